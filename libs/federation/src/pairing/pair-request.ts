// A pairing request as the hub's desk reads it: signed by the root that it carries, which alone proves nothing.
import { createHash } from 'node:crypto';
import { openPairing, pairRequestClaims, RefusedError, VerifyingKey, type PairRequestClaims } from '#protocol';

export interface PairRequest {
  readonly raw: string;
  /** SHA-256 of the bytes: the same bytes get the same answer. */
  readonly hash: string;
  /** SHA-256 of the signing input, which the answer names. */
  readonly signingInputHash: string;
  readonly claims: PairRequestClaims;
  readonly root: VerifyingKey;
}

/** @throws RefusedError, WritError `key_invalid`: low-order roots among the rest. */
export function readPairRequest(raw: string): PairRequest {
  const { payload, signingInputHash } = openPairing(raw, 'writ-pair-req+jws');
  const parsed = pairRequestClaims.safeParse(payload);
  if (!parsed.success) throw new RefusedError('the pairing request has not its shape');
  const root = VerifyingKey.fromJwk(parsed.data.root);
  if (parsed.data.iss !== root.kid) throw new RefusedError('the pairing request is not signed by its issuer');
  const hash = createHash('sha256').update(raw).digest('base64url');
  return { raw, hash, signingInputHash, claims: parsed.data, root };
}
