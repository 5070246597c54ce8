// Whether the key statement of an instance, and those of its peers, hold for long enough.
import type { Check, SigningKeys } from '#protocol';

/** A statement is renewed in the middle of its seven days; with less than two left somebody has to look. */
const warnBeforeMs = 2 * 86_400_000;
/** Of a peer: it renews its own, and a day is what a stale one is given. */
const peerWarnBeforeMs = 86_400_000;
const namesMax = 5;

const cures = {
  automatic: 'See the log, and the clock of this machine.',
  failing: 'The folder keys/ cannot be written: see disk and permissions.',
  'by hand': 'Sign a new one where the root key is: writ keys export, writ keys sign, writ keys import.',
} as const;

export function checkKeys({ statement, renewal }: SigningKeys, nowMs: number): Check {
  const leftMs = Date.parse(statement.expiresAt) - nowMs;
  const cure = cures[renewal];
  if (leftMs <= 0) {
    const detail = `The key statement ran out at ${statement.expiresAt}: peers take status and kills for a day, then nothing.`;
    return { name: 'keys', outcome: 'failed', detail, cure };
  }
  if (leftMs > warnBeforeMs && renewal !== 'failing')
    return { name: 'keys', outcome: 'ok', detail: `The key statement holds until ${statement.expiresAt}.` };
  return { name: 'keys', outcome: 'warning', detail: `The key statement runs out at ${statement.expiresAt}.`, cure };
}

/** A peer of which the last key statement is known. `endsAtMs`: epoch milliseconds. */
export interface PeerStatement {
  readonly connection: string;
  readonly name: string;
  readonly endsAtMs: number;
}

export function isEnding(endsAtMs: number, nowMs: number): boolean {
  return endsAtMs - nowMs < peerWarnBeforeMs;
}

/** Nothing unless there is something to say. */
export function checkPeerKeys(peers: readonly PeerStatement[], nowMs: number): Check[] {
  const ending = peers.filter(({ endsAtMs }) => isEnding(endsAtMs, nowMs));
  if (ending.length === 0) return [];
  const names = ending.slice(0, namesMax).map(({ name }) => name);
  const more = ending.length > namesMax ? ` and ${ending.length - namesMax} more` : '';
  const detail = `Key statements that run out within a day, or have: ${names.join(', ')}${more}.`;
  const cure = 'They are renewed when the other side is connected: see `writ doctor` there.';
  return [{ name: 'keys of peers', outcome: 'warning', detail, cure }];
}
