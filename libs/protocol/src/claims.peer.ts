// Claims with which two instances meet: key statements, hello, pairing.
import { z } from 'zod';
import { addressed, count, envelope, messageRef, seconds, version } from './envelope.js';
import { grant } from './grant.js';
import { ecJwk, okpJwk } from './keys.js';
import { nonce128, sha256Hash, spokeName, thumbprint } from './names.js';

const statementKeysMax = 16;
const revocationsMax = 256;

/** One side's half of the connection's state. */
export const halfState = z.strictObject({
  state: z.enum(['pending', 'active', 'suspended', 'closed']),
  agents: z.enum(['keep', 'kill']).optional(),
  counter: count,
});

/** Where a journal stands. `before`: the epoch that ended and its last `seq`, once after a new epoch. */
export const journalPosition = z.strictObject({
  epo: nonce128,
  seq: count,
  h: sha256Hash,
  before: z.strictObject({ epo: nonce128, seq: count }).optional(),
});

/** `re` is the other's `sn`. A spoke says its grant and what it journaled last, a hub what it accepted last. */
export const helloClaims = z
  .strictObject({
    ...envelope,
    exp: seconds,
    sn: nonce128,
    re: nonce128.optional(),
    versions: z.array(z.int().min(1)).min(1).max(16),
    ops: z.array(z.string().max(64)).max(64),
    replica: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
    half: halfState,
    journal: journalPosition.optional(),
    gv: count.optional(),
    grant: grant.optional(),
  })
  .refine((claims) => claims.grant === undefined || claims.gv !== undefined, 'a grant has a version');
export type HelloClaims = z.infer<typeof helloClaims>;

const period = { nbf: seconds, exp: seconds };
const statementJwk = z.discriminatedUnion('kty', [okpJwk.extend(period), ecJwk.extend(period)]);

/** A key statement, signed by the root. Rules beyond the shape are in `statement.ts`. */
export const keysClaims = z.strictObject({
  v: version,
  iss: thumbprint,
  ver: z.int().min(1),
  iat: seconds,
  exp: seconds,
  keys: z.array(statementJwk).min(1).max(statementKeysMax),
  revoked: z.array(z.strictObject({ kid: thumbprint, at: seconds })).max(revocationsMax),
});
export type KeysClaims = z.infer<typeof keysClaims>;

const rootStatement = { root: okpJwk, keys: z.string().max(65_536) };

/** How the two will reach each other: the spoke dials, the hub dials a public URL, or both meet at a broker. */
export const pairingLink = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('outbound') }),
  z.strictObject({ kind: z.literal('direct'), url: z.string().max(2_048) }),
  z.strictObject({ kind: z.literal('broker') }),
]);

/** Spoke to hub. `keys` is the spoke's key statement, `mac` proves the invite's secret. */
export const pairRequestClaims = z.strictObject({
  ...addressed,
  exp: seconds,
  invite: nonce128,
  nonce: nonce128,
  mac: sha256Hash,
  ...rootStatement,
  name: spokeName,
  link: pairingLink,
});
export type PairRequestClaims = z.infer<typeof pairRequestClaims>;

/** Hub to spoke. `con` is the new connection, `req` the request answered. */
export const pairResponseClaims = z.strictObject({
  ...envelope,
  exp: seconds,
  req: messageRef,
  invite: nonce128,
  mac: sha256Hash,
  ...rootStatement,
  name: spokeName,
});
export type PairResponseClaims = z.infer<typeof pairResponseClaims>;
