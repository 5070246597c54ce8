// The keys with which an instance speaks to its peers, over REST. Nothing secret is in any of it.
import { z } from 'zod';
import { publicJwk } from './keys.js';
import { thumbprint, time } from './names.js';
import { reason } from './rest.js';
import { statementDraft } from './statement.js';

export const keyAlgorithm = z.enum(['Ed25519', 'ES256']);

/** A key that speaks from `from` until `until`; one of them signs what is said now. */
const signingKey = z.strictObject({
  kid: thumbprint,
  alg: keyAlgorithm,
  signing: z.boolean(),
  from: time,
  until: time,
});

/**
 * `GET /v1/identity`. With `renewal` `by hand` the root is kept elsewhere: `request` is what it has to sign, and `waits`
 * says whether a rotation or revocation takes effect only then.
 */
export const signingKeys = z.strictObject({
  id: thumbprint,
  rootJwk: publicJwk,
  rootHere: z.boolean(),
  keys: z.array(signingKey),
  revoked: z.array(z.strictObject({ kid: thumbprint, at: time })),
  statement: z.strictObject({ ver: z.int(), issuedAt: time, expiresAt: time, token: z.string() }),
  renewal: z.enum(['automatic', 'failing', 'by hand']),
  request: statementDraft.optional(),
  waits: z.boolean().optional(),
});
export type SigningKeys = z.infer<typeof signingKeys>;

/** The same algorithm again unless another is named. */
export const keyRotate = z.strictObject({ alg: keyAlgorithm.optional(), reason });
export type KeyRotate = z.infer<typeof keyRotate>;
export const keyRevoke = z.strictObject({ kid: thumbprint, reason });
export type KeyRevoke = z.infer<typeof keyRevoke>;
/** A key statement that the root signed where it is. */
export const statementAdopt = z.strictObject({ token: z.string().max(65_536), reason });
export type StatementAdopt = z.infer<typeof statementAdopt>;
export const rootPark = z.strictObject({ reason });
/** Where on the instance's machine the root key now lies, for somebody to take it away. */
export const rootParked = z.strictObject({ path: z.string() });
export type RootParked = z.infer<typeof rootParked>;

/** The newest key statement of a peer, handed over by people because no link brings it. `peer`: its name or id. */
export const peerStatement = z.strictObject({ peer: z.string().min(1).max(64), token: z.string().max(65_536), reason });
export type PeerStatementGiven = z.infer<typeof peerStatement>;
/** What speaks for the peer from now on. */
export const peerKeysLearned = z.strictObject({
  id: thumbprint,
  name: z.string(),
  keys: z.array(z.strictObject({ kid: thumbprint, alg: keyAlgorithm })),
  revoked: z.array(z.strictObject({ kid: thumbprint, at: time })),
  expiresAt: time,
});
export type PeerKeysLearned = z.infer<typeof peerKeysLearned>;
