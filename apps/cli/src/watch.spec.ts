// `--watch` in a real terminal; what it prints where there is none stands in cli.spec.
import { afterAll, beforeAll, expect } from '@jest/globals';
import { inTerminal } from '../../../test/support/terminal.js';
import { TinyHome } from '../../../test/support/tiny-home.js';
import { until } from '../../../test/support/until.js';

const enter = '\x1b[?1049h';
const leave = '\x1b[?1049l';
let home: TinyHome;
beforeAll(async () => {
  home = await TinyHome.open();
});
afterAll(() => home.close());

inTerminal('a watched list is drawn anew in its place, cut to the screen, and the terminal is given back', async () => {
  const rows = 8;
  const { seen, type, ended } = home.type('ps --watch 0.5', {}, { columns: 120, rows });
  await until('the first look', () => seen().includes('No live agents'));
  for (let n = 1; n < rows; n += 1) await home.spawned();
  const newest = (await home.spawned()).agentId.slice(0, 8);
  await until('the newest', () => seen().includes(newest));
  type('q');
  expect(await ended).toBe(0);
  expect([seen().startsWith(enter), seen().trimEnd().endsWith(leave)]).toEqual([true, true]);
  const last = seen().split('\x1b[H').at(-1) ?? '';
  expect(last.split('\r\n').length).toBeLessThanOrEqual(rows);
  expect(last).toContain(newest);
});

inTerminal('what no second look can mend is told once, and the terminal is left as it was', async () => {
  const { seen, ended } = home.type('status 0b1c2d3e --watch');
  expect(await ended).toBe(4);
  expect(seen()).not.toContain(enter);
  expect(seen()).toContain('writ: ');
});
