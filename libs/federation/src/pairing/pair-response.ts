// The hub's answer to a pairing request: how the hub signs it, and how the spoke reads it, by the very root that the invite pinned.
import {
  checkTimes,
  lifetimeMaxS,
  newNonce,
  openKeyStatement,
  openPairing,
  pairingMacMatches,
  pairResponseClaims,
  RefusedError,
  signJws,
  VerifyingKey,
  type InviteContent,
  type PairResponseClaims,
} from '#protocol';
import type { KnownStatement } from '../connections/peer-keys.js';
import type { PairRequest } from './pair-request.js';
import type { PairingIdentity } from './pairing-identity.js';

/** What the answer binds: the new connection, the hub's name, the proof of the invite. */
export interface ResponseContent {
  readonly con: string;
  readonly name: string;
  readonly mac: string;
  readonly nowS: number;
}

/** The answer of the hub with this identity. */
export function signPairResponse(
  { claims, signingInputHash }: Pick<PairRequest, 'claims' | 'signingInputHash'>,
  { root, statement }: PairingIdentity,
  { con, name, mac, nowS }: ResponseContent,
): string {
  const times = { iat: nowS, exp: nowS + lifetimeMaxS.pairing };
  const about = { v: 1, iss: root.kid, aud: claims.iss, con, jti: newNonce(), ...times };
  const req = { jti: claims.jti, h: signingInputHash };
  const keys = { root: root.publicJwk, keys: statement.token };
  return signJws('writ-pair-res+jws', { ...about, req, invite: claims.invite, mac, ...keys, name }, root);
}

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
