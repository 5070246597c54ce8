// What happens to agents, from now on: one stream for the whole page, handed out in the rhythm of the screen, so that a thousand
// events a second are sixty redraws at most.
import { useEffect, useRef } from 'preact/hooks';
import type { AgentEvent } from '#protocol';
import { Cell } from '../state/cell.js';
import { follow, type LineState, type Message } from './sse.js';

/** `missing`: so many events are no longer kept; what is shown has to be asked for anew. */
export type Happening =
  { readonly event: AgentEvent; readonly spoke?: string } | { readonly missing: number; readonly spoke?: string };

type Listener = (happened: readonly Happening[]) => void;

export const line = new Cell<LineState>({ state: 'connecting' });
const listeners = new Set<Listener>();
let waiting: Happening[] = [];
let timer: ReturnType<typeof setTimeout> | undefined;

/** What was handed out last. */
let kept: Happening[] = [];
const keptMax = 10_000;

/** A hidden page draws nothing, and a frame never comes there. */
const beatMs = 50;

function hand(): void {
  timer = undefined;
  const happened = waiting;
  waiting = [];
  keep(happened);
  for (const tell of [...listeners]) tell(happened);
}

function keep(happened: readonly Happening[]): void {
  kept.push(...happened);
  if (kept.length > 2 * keptMax) kept = kept.slice(-keptMax);
}

/**
 * What was told lately. An answer of the instance may be older than what was told before it came, or even before it was asked for:
 * whoever gets one folds this into it. Folding something twice changes nothing.
 */
export const lately = (): readonly Happening[] => kept;

/** Resolves when it is followed what happens: what is asked for before that may miss something. Or when that cannot be done now. */
export function begun(): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (line.value.state === 'connecting') return;
      leave();
      resolve();
    };
    const leave = line.watch(look);
    look();
  });
}

function take(messages: readonly Message[]): void {
  for (const { event, data } of messages) if (event !== 'from') waiting.push(data as Happening);
  timer ??= setTimeout(hand, beatMs);
}

/** Follows the instance's events until the signal. */
export function startFeed(signal: AbortSignal): void {
  void follow({ path: '/v1/events', query: { from: 'now' }, signal, take, told: (state) => line.set(state) });
}

/** Calls `hear` with what happened, a few times a second at most, while the component is there. */
export function useFeed(hear: Listener): void {
  const latest = useRef(hear);
  latest.current = hear;
  useEffect(() => {
    const listener: Listener = (happened) => latest.current(happened);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
}
