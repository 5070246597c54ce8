// Results that come in one session: to whoever waits for them, and into the receipts.
import { z } from 'zod';
import { resultClaims } from '#protocol';
import type { ResultClaims } from '#protocol';
import type { Reply } from '../links/link.js';
import type { Opened } from './peer-root.js';
import type { SessionPeer } from './session-peer.js';

export interface ResultTargets {
  readonly host: SessionPeer;
  /** Whether our last hello has that id. */
  readonly greeted: (jti: string) => boolean;
  /** Our hello was refused; their clock less ours, in seconds. */
  readonly clockRefused: (diffS: number) => void;
  /** The other side knows nothing of this session. */
  readonly anew: () => void;
}

const compiledResults = z.compile(resultClaims);

/** False refuses it uniformly. */
export function takeResult(targets: ResultTargets, { payload, raw }: Opened, reply: Reply | undefined): boolean {
  const parsed = compiledResults.safeParse(payload);
  if (!parsed.success) return false;
  const { req, err, diffS } = parsed.data;
  reply?.end();
  if (err === 'clock' && targets.greeted(req.jti)) targets.clockRefused(diffS ?? 0);
  const isOurs = settle(targets.host, parsed.data, raw);
  if (isOurs && err === 'session') targets.anew();
  return true;
}

/** Whether anybody had asked. */
function settle(host: SessionPeer, claims: ResultClaims, raw: string): boolean {
  const { results } = claims;
  const settled = host.requests.settle(claims);
  if (settled?.kind !== 'query' && results) host.records.told(claims, raw, settled !== undefined);
  const denied = results?.some(({ st }) => st === 'denied') ?? false;
  if (settled?.kind === 'query' && denied) void host.records.kept('command', settled.raw);
  if (settled && (settled.kind !== 'query' || denied)) void host.records.kept('result', raw);
  return settled !== undefined;
}
