// Key statements (`writ-keys+jws`): with them a root says which operational keys speak for its instance, and until when.
import { z } from 'zod';
import { type KeysClaims, keysClaims } from './claims.peer.js';
import { WritError } from './errors.js';
import { openJws, signJws } from './jws.js';
import { type PublicJwk, publicJwk, type SigningKey, thumbprintOf, VerifyingKey } from './keys.js';
import { thumbprint } from './names.js';
import { RefusedError } from './refused.js';
import { lifetimeMaxS, skewS } from './times.js';

/** How long after its end a statement still carries status and kill. */
export const statementGraceS = 86_400;

/** An operational key and when it speaks: epoch seconds, both ends included. */
export interface StatementKey {
  readonly jwk: PublicJwk;
  readonly nbf: number;
  readonly exp: number;
}

export interface Revocation {
  readonly kid: string;
  readonly at: number;
}

/** `lifetimeS` is 7 days by default and at most. `ver` has to be higher than that of every statement before. */
export interface StatementContent {
  readonly ver: number;
  readonly nowS: number;
  readonly lifetimeS?: number;
  readonly keys: readonly StatementKey[];
  readonly revoked?: readonly Revocation[];
}

/** What speaks for an instance, as its root is asked to sign it. `until`: a key that was replaced counts until then, epoch seconds. */
export const statementDraft = z.strictObject({
  iss: thumbprint,
  ver: z.int().min(1),
  keys: z
    .array(z.strictObject({ jwk: publicJwk, nbf: z.int().min(0), until: z.int().min(0).optional() }))
    .min(1)
    .max(16),
  revoked: z.array(z.strictObject({ kid: thumbprint, at: z.int().min(0) })).max(256),
});
export type StatementDraft = z.infer<typeof statementDraft>;

/** A statement that holds. `token` is kept for receipts and for sending it on. */
export class KeyStatement {
  readonly #keys: ReadonlyMap<string, { readonly key: VerifyingKey; readonly nbf: number; readonly exp: number }>;
  readonly #revoked: ReadonlySet<string>;

  constructor(
    readonly token: string,
    readonly claims: KeysClaims,
  ) {
    this.#keys = new Map(claims.keys.map(usableKey));
    this.#revoked = new Set(claims.revoked.map(({ kid }) => kid));
  }

  get ver(): number {
    return this.claims.ver;
  }

  /** In the order of the claims. */
  get keys(): readonly VerifyingKey[] {
    return [...this.#keys.values()].map(({ key }) => key);
  }

  /** The key of that id if it speaks now: within its own `nbf` and `exp` (with skew) and not revoked. */
  keyAt(kid: string, nowS: number): VerifyingKey | undefined {
    const found = this.#keys.get(kid);
    if (!found || this.#revoked.has(kid)) return undefined;
    return nowS >= found.nbf - skewS && nowS <= found.exp + skewS ? found.key : undefined;
  }

  /** `stale` for 24 h after the end: such a peer may ask for status and kill, and spawn nothing. */
  standing(nowS: number): 'current' | 'stale' | 'expired' {
    if (nowS <= this.claims.exp + skewS) return 'current';
    return nowS <= this.claims.exp + skewS + statementGraceS ? 'stale' : 'expired';
  }
}

/** @throws WritError `key_invalid` when a receiver would refuse it. */
export function issueKeyStatement(root: SigningKey, content: StatementContent): string {
  const { ver, nowS, lifetimeS = lifetimeMaxS.keys, keys, revoked = [] } = content;
  const jwks = keys.map(({ jwk, nbf, exp }) => ({ ...jwk, nbf, exp }));
  const claims = { v: 1, iss: root.kid, ver, iat: nowS, exp: nowS + lifetimeS, keys: jwks, revoked };
  const parsed = keysClaims.safeParse(claims);
  const fault = parsed.success ? faultOf(parsed.data, root.verifying, nowS) : 'not of the right shape';
  if (fault !== undefined) throw new WritError('key_invalid', `The key statement is ${fault}.`);
  return signJws('writ-keys+jws', claims, root);
}

/** A key outlives the statement that names it, so that a peer that was cut off may still be asked for status and kill. */
const keyGraceS = statementGraceS;

/** Signs what an instance asks for: seven days from now. @throws WritError `key_invalid` for a draft of another root. */
export function signStatementDraft(
  root: SigningKey,
  { iss, ver, keys, revoked }: StatementDraft,
  nowS: number,
): string {
  if (iss !== root.kid)
    throw new WritError('key_invalid', 'What is to be signed is of another instance than this root.');
  const last = nowS + lifetimeMaxS.keys + keyGraceS;
  const stated = keys.map(({ jwk, nbf, until }) => ({ jwk, nbf: Math.min(nbf, nowS), exp: until ?? last }));
  return issueKeyStatement(root, { ver, nowS, keys: stated, revoked });
}

/**
 * Opens a statement with the pinned root alone. `known` is the last one of that root: an older one is refused, and so is
 * another one of the same `ver`.
 * @throws RefusedError also for one that ended more than 24 h ago.
 */
export function openKeyStatement(
  token: unknown,
  root: VerifyingKey,
  options: { readonly nowS: number; readonly known?: KeyStatement },
): KeyStatement {
  const opened = openJws(token, 'writ-keys+jws', () => root);
  const parsed = keysClaims.safeParse(opened.payload);
  if (!parsed.success) throw new RefusedError('the key statement has not its shape');
  const fault = faultOf(parsed.data, root, options.nowS) ?? replaced(parsed.data.ver, token as string, options.known);
  if (fault !== undefined) throw new RefusedError(`the key statement is ${fault}`);
  const statement = madeOf(token as string, parsed.data);
  if (statement.standing(options.nowS) === 'expired') throw new RefusedError('the key statement has run out');
  return statement;
}

function faultOf(claims: KeysClaims, root: VerifyingKey, nowS: number): string | undefined {
  const { iss, iat, exp, keys } = claims;
  if (root.alg !== 'Ed25519') return 'not of an Ed25519 root';
  if (iss !== root.kid) return 'not of this root';
  if (exp <= iat || exp - iat > lifetimeMaxS.keys) return 'of the wrong lifetime';
  if (iat > nowS + skewS) return 'from the future';
  if (keys.some((key) => key.exp <= key.nbf)) return 'naming a key that is never valid';
  const kids = new Set([root.kid, ...keys.map(thumbprintOf)]);
  return kids.size > keys.length ? undefined : 'naming a key twice, or the root as a key';
}

function replaced(ver: number, token: string, known: KeyStatement | undefined): string | undefined {
  if (!known || ver > known.ver) return undefined;
  return ver === known.ver && token === known.token ? undefined : 'older than the known one';
}

function madeOf(token: string, claims: KeysClaims): KeyStatement {
  try {
    return new KeyStatement(token, claims);
  } catch (error) {
    throw error instanceof WritError ? new RefusedError(`the key statement: ${error.detail}`) : error;
  }
}

function usableKey({ nbf, exp, ...jwk }: KeysClaims['keys'][number]) {
  const key = VerifyingKey.fromJwk(jwk);
  return [key.kid, { key, nbf, exp }] as const;
}
