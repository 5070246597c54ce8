// How a hub's line to a spoke stands, in one word that has a colour, a kind of line and a sentence.
import type { Spoke } from '#protocol';

export type LinkKind = 'well' | 'slow' | 'lost' | 'suspended' | 'pending';

/** Three missed signs of life: what is shown of the spoke is old. */
const staleMs = 45_000;

export function linkOf({ state, connected, circuit, heardAt }: Spoke, now: number): LinkKind {
  if (state === 'pending') return 'pending';
  if (state === 'suspended') return 'suspended';
  if (!connected) return 'lost';
  if (circuit === 'open' || (heardAt !== undefined && now - Date.parse(heardAt) > staleMs)) return 'slow';
  return 'well';
}

export const linkWords: Readonly<Record<LinkKind, string>> = {
  well: 'connected',
  slow: 'does not answer',
  lost: 'not connected',
  suspended: 'suspended',
  pending: 'waits to be accepted',
};
