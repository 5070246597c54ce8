// The hub's answer as the spoke reads it: signed by the very root that the invite pinned, and bound to our request.
import {
  checkTimes,
  lifetimeMaxS,
  openKeyStatement,
  openPairing,
  pairingMacMatches,
  pairResponseClaims,
  RefusedError,
  VerifyingKey,
  type InviteContent,
  type PairResponseClaims,
} from '#protocol';
import type { KnownStatement } from '../connections/peer-keys.js';

/** What was sent: its answer names `jti` and `h`, and its MAC holds `nonce`. */
export interface SentRequest {
  readonly raw: string;
  readonly jti: string;
  readonly h: string;
  readonly nonce: string;
}

export interface PairResponse {
  readonly raw: string;
  readonly con: string;
  readonly root: VerifyingKey;
  readonly statement: KnownStatement;
}

interface Expectation {
  readonly invite: InviteContent;
  readonly sent: SentRequest;
  readonly spoke: string;
  /** Epoch ms. */
  readonly now: number;
}

/** @throws RefusedError, WritError `key_invalid`. */
export function readPairResponse(raw: string, expected: Expectation): PairResponse {
  const { payload, kid } = openPairing(raw, 'writ-pair-res+jws');
  if (kid !== expected.invite.hub) throw new RefusedError('not signed by the root that the invite names');
  const parsed = pairResponseClaims.safeParse(payload);
  if (!parsed.success) throw new RefusedError('the pairing answer has not its shape');
  checkBinding(parsed.data, expected);
  const nowS = Math.floor(expected.now / 1_000);
  const fault = checkTimes(parsed.data, nowS, lifetimeMaxS.pairing);
  if (fault) throw new RefusedError(`the times of the answer: ${fault}`);
  const root = VerifyingKey.fromJwk(parsed.data.root);
  const { ver, token } = openKeyStatement(parsed.data.keys, root, { nowS });
  return { raw, con: parsed.data.con, root, statement: { ver, token } };
}

function checkBinding(claims: PairResponseClaims, { invite, sent, spoke }: Expectation): void {
  const parts = { secret: invite.secret, invite: invite.id, hub: invite.hub, spoke, nonce: sent.nonce };
  const addressed = claims.iss === invite.hub && claims.aud === spoke && claims.invite === invite.id;
  if (!addressed) throw new RefusedError('the answer is not addressed from this hub to this spoke');
  if (claims.req.jti !== sent.jti || claims.req.h !== sent.h)
    throw new RefusedError('the answer is to another request');
  if (!pairingMacMatches(claims.mac, 'hub', parts)) throw new RefusedError('the proof of the invite is wrong');
}
