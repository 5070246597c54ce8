// The keys that speak for an instance: one that signs, those that it replaced and that still verify, and those that were
// revoked. Pure: a change gives another ring, and whoever holds it keeps both or neither.
import { SigningKey, WritError, type KeyAlgorithm, type Revocation, type StatementDraft } from '#protocol';

/** How long a key that was replaced goes on verifying: longer than any copy of what it signed can come. */
const overlapS = 600;
/** Keys of one statement. */
const keysMax = 16;
/** As many as a statement takes; the oldest are forgotten, long after every statement that names their key ran out. */
const revokedMax = 256;

/** `until`: epoch seconds from which on a replaced key counts no more; the key without it is the one that signs. */
export interface RingKey {
  readonly key: SigningKey;
  readonly since: number;
  readonly until?: number;
}

export class KeyRing {
  /** @throws WritError `config_invalid` unless exactly one key signs. */
  constructor(
    readonly keys: readonly RingKey[],
    readonly revoked: readonly Revocation[] = [],
  ) {
    if (keys.filter(({ until }) => until === undefined).length !== 1)
      throw new WritError('config_invalid', 'identity.json is damaged: restore it from a backup.');
  }

  static fresh(nowS: number): KeyRing {
    return new KeyRing([{ key: SigningKey.generate(), since: nowS }]);
  }

  /** Signs every message but key statements and pairing. */
  get signing(): SigningKey {
    return (this.keys.find(({ until }) => until === undefined) as RingKey).key;
  }

  /** Without the keys whose time is over. */
  at(nowS: number): KeyRing {
    return new KeyRing(
      this.keys.filter(({ until }) => until === undefined || until > nowS),
      this.revoked,
    );
  }

  /** Of a ring that waits for its statement: what it replaces is still in use, so its time has not begun. */
  waiting(nowS: number): KeyRing {
    const later = (until: number | undefined) => until && Math.max(until, nowS + overlapS);
    return new KeyRing(
      this.keys.map((one) => ({ ...one, until: later(one.until) })),
      this.revoked,
    );
  }

  /** A new key signs; the one before goes on verifying for a while. @throws WritError `rate_limited` with too many at once. */
  rotated(alg: KeyAlgorithm, nowS: number): KeyRing {
    const { keys, revoked } = this.at(nowS);
    if (keys.length >= keysMax) {
      const detail = `${keysMax} keys verify at this moment; each that was replaced does for ${overlapS} s.`;
      throw new WritError('rate_limited', detail, { retryAfterMs: retryAfterMs(keys, nowS) });
    }
    const before = keys.map((one) => ({ ...one, until: one.until ?? nowS + overlapS }));
    return new KeyRing([...before, { key: SigningKey.generate(alg), since: nowS }], revoked);
  }

  /** The key counts no more, at once; when it is the one that signs, a new one takes its place. @throws WritError `not_found` */
  without(kid: string, nowS: number): KeyRing {
    const { keys, revoked } = this.at(nowS);
    const gone = keys.find(({ key }) => key.kid === kid);
    if (!gone) throw new WritError('not_found', 'No key of that id speaks for this instance.');
    const left = keys.filter((one) => one !== gone);
    const next = gone.until === undefined ? [...left, { key: SigningKey.generate(gone.key.alg), since: nowS }] : left;
    return new KeyRing(next, [...revoked, { kid, at: nowS }].slice(-revokedMax));
  }

  /** What a root has to sign so that this ring speaks. */
  draft(iss: string, ver: number, nowS: number): StatementDraft {
    const { keys, revoked } = this.at(nowS);
    const stated = keys.map(({ key, since, until }) => ({ jwk: key.publicJwk, nbf: Math.min(since, nowS), until }));
    return { iss, ver, keys: stated, revoked: [...revoked] };
  }
}

function retryAfterMs(keys: readonly RingKey[], nowS: number): number {
  const next = Math.min(...keys.map(({ until }) => until ?? Infinity));
  return Math.max(1, next - nowS) * 1_000;
}
