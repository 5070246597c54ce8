// The rules for one half of a connection: which change is allowed, and when the other side's word is taken.
import { WritError } from '#protocol';
import type { HalfState } from './connection.js';

/** What a side may do with its own half. */
export type HalfChange =
  | { readonly do: 'accept' }
  | { readonly do: 'suspend' }
  | { readonly do: 'resume' }
  | { readonly do: 'close'; readonly agents: 'keep' | 'kill' };

const from = { accept: 'pending', suspend: 'active', resume: 'suspended' } as const;
const to = { accept: 'active', suspend: 'suspended', resume: 'active' } as const;

/**
 * The half after a change; the same object when it already is so.
 * @throws WritError `connection_closed`, `connection_inactive`.
 */
export function changeHalf(half: HalfState, change: HalfChange): HalfState {
  if (half.state === 'closed') return reclose(half, change);
  if (change.do === 'close') return { state: 'closed', agents: change.agents, counter: half.counter + 1 };
  if (half.state === to[change.do]) return half;
  if (half.state !== from[change.do]) {
    throw new WritError('connection_inactive', `Our half is ${half.state}: it cannot ${change.do}.`);
  }
  return { state: to[change.do], counter: half.counter + 1 };
}

function reclose(half: HalfState, change: HalfChange): HalfState {
  if (change.do === 'close') return half;
  throw new WritError('connection_closed', 'Our half is closed, and that is final.');
}

/** What to do with the other side's half as a hello states it. A contradiction is nothing an honest peer says. */
export function hearHalf(known: HalfState, said: HalfState): 'take' | 'old' | 'contradiction' {
  if (said.counter < known.counter) return 'old';
  if (said.counter === known.counter) return same(known, said) ? 'old' : 'contradiction';
  if (known.state === 'closed') return 'contradiction';
  if (said.state === 'pending' && known.state !== 'pending') return 'contradiction';
  return 'take';
}

function same(a: HalfState, b: HalfState): boolean {
  return a.state === b.state && a.agents === b.agents;
}
