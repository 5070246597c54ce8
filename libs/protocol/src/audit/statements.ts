// The keys of both sides over the life of a connection, out of every key statement that stands in its log.
import { openJws } from '../jws.js';
import { VerifyingKey, type PublicJwk } from '../keys.js';
import { openPairing } from '../pairing.js';
import { RefusedError } from '../refused.js';
import { openKeyStatement } from '../statement.js';
import { skewS } from '../times.js';

interface Spoken {
  readonly key: VerifyingKey;
  readonly iss: string;
  readonly periods: (readonly [from: number, until: number])[];
  revokedAt: number;
}

/** Periods of one key that are kept: two a week for as long as logs are. */
const periodsMax = 1_024;
const keysMax = 65_536;

export class Statements {
  readonly #roots: ReadonlyMap<string, VerifyingKey>;
  readonly #keys = new Map<string, Spoken>();

  /** @throws WritError `key_invalid` */
  constructor(roots: readonly PublicJwk[]) {
    this.#roots = new Map(roots.map((jwk) => VerifyingKey.fromJwk(jwk)).map((key) => [key.kid, key]));
  }

  /** Learns from a statement of either side. @throws RefusedError when neither root signed it. */
  learn(token: string): void {
    const { payload, kid } = openJws(token, 'writ-keys+jws', (id) => this.#roots.get(id));
    const nowS = Number((payload as { iat?: unknown } | null)?.iat);
    const root = this.#roots.get(kid);
    if (!root) throw new RefusedError('the statement is of another root');
    const { claims, keys } = openKeyStatement(token, root, { nowS });
    keys.forEach((key, index) => this.spoken(key, kid, claims.keys[index]));
    for (const { kid: gone, at } of claims.revoked) this.revoke(gone, at);
  }

  /** Also what travelled inside a pairing message. @throws RefusedError when neither root signed it. */
  paired(token: string, typ: 'writ-pair-req+jws' | 'writ-pair-res+jws'): Readonly<Record<string, unknown>> {
    const { payload, kid } = openPairing(token, typ);
    if (!this.#roots.has(kid)) throw new RefusedError('the pairing message is of another root');
    const claims = payload as Readonly<Record<string, unknown>>;
    this.learn(String(claims['keys']));
    return claims;
  }

  find(kid: string): VerifyingKey | undefined {
    return this.#keys.get(kid)?.key;
  }

  issuerOf(kid: string): string | undefined {
    return this.#keys.get(kid)?.iss;
  }

  /** Whether the key spoke at that time, as far as any statement says. */
  spokeAt(kid: string, iat: number): boolean {
    return this.#keys.get(kid)?.periods.some(([from, until]) => iat >= from - skewS && iat <= until + skewS) ?? false;
  }

  /** When the key was revoked, epoch seconds; infinity when it never was. */
  revokedAt(kid: string): number {
    return this.#keys.get(kid)?.revokedAt ?? Infinity;
  }

  private spoken(key: VerifyingKey, iss: string, period = { nbf: 0, exp: 0 }): void {
    const known = this.#keys.get(key.kid) ?? { key, iss, periods: [], revokedAt: Infinity };
    if (this.#keys.size < keysMax) this.#keys.set(key.kid, known);
    const { nbf, exp } = period;
    const last = known.periods.at(-1);
    if (last?.[0] === nbf) known.periods[known.periods.length - 1] = [nbf, Math.max(exp, last[1])];
    else if (known.periods.length < periodsMax) known.periods.push([nbf, exp]);
  }

  private revoke(kid: string, at: number): void {
    const known = this.#keys.get(kid);
    if (known) known.revokedAt = Math.min(known.revokedAt, at);
  }
}
