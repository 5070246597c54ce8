// The time, for what says how long ago something was: once a second for the whole page, and not while nobody looks.
import { Cell, useCell } from '../state/cell.js';

const now = new Cell(Date.now());
setInterval(() => document.hidden || now.set(Date.now()), 1_000);

export const useNow = () => useCell(now);
