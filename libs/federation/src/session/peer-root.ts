// What an instance knows of another one's keys: the pinned root, and the statement that the root made last.
import { openJws, openKeyStatement, RefusedError, VerifyingKey } from '#protocol';
import type { KeyStatement, MessageType, OpenedJws } from '#protocol';

const spoken = [
  'writ-cmd+jws',
  'writ-res+jws',
  'writ-evt+jws',
  'writ-ack+jws',
  'writ-hello+jws',
  'writ-ckpt+jws',
] as const;
type SpokenType = (typeof spoken)[number];

/** A message of a known key, addressed to us. Its claims have still to be checked. */
export interface Opened extends OpenedJws<SpokenType> {
  readonly raw: string;
  readonly payload: Readonly<Record<string, unknown>>;
}

export class PeerRoot {
  readonly #key: VerifyingKey;
  readonly #keysHeader: string;
  #statement: KeyStatement | undefined;

  /** @throws WritError `key_invalid` */
  constructor(
    jwk: unknown,
    private readonly now: () => number,
  ) {
    this.#key = VerifyingKey.fromJwk(jwk);
    this.#keysHeader = `${this.#key.header('writ-keys+jws' satisfies MessageType)}.`;
  }

  /** The instance id. */
  get id(): string {
    return this.#key.kid;
  }

  /** Whether a statement is known and has not run out: before that nothing but keys can be read. */
  get standing(): 'unknown' | 'current' | 'stale' | 'expired' {
    return this.#statement?.standing(this.nowS()) ?? 'unknown';
  }

  /** Epoch ms; undefined before the first one is known. */
  get statementEndsAt(): number | undefined {
    return this.#statement && this.#statement.claims.exp * 1_000;
  }

  /** By its header: a statement of this root. */
  isStatement(raw: string): boolean {
    return raw.startsWith(this.#keysHeader);
  }

  /** Takes a statement unless it is older than the known one, which is fine again. @throws RefusedError */
  learn(raw: string): KeyStatement {
    if (raw === this.#statement?.token && this.standing !== 'expired') return this.#statement;
    return (this.#statement = openKeyStatement(raw, this.#key, { nowS: this.nowS(), known: this.#statement }));
  }

  /** A statement that was signed by this root but is older than the known one: what `learn` refuses and an alarm records. */
  wasIssued(raw: string): KeyStatement | undefined {
    try {
      return openKeyStatement(raw, this.#key, { nowS: this.nowS() });
    } catch {
      return undefined;
    }
  }

  /** Shape, key, signature, type, `iss` and `aud`, in this order. @throws RefusedError */
  open(raw: string, audience: string): Opened {
    const nowS = this.nowS();
    if (this.#statement?.standing(nowS) === 'expired') throw new RefusedError('the key statement has run out');
    const opened = openJws<SpokenType>(raw, spoken, (kid) => this.#statement?.keyAt(kid, nowS));
    const payload = opened.payload as Opened['payload'] | null;
    if (payload === null || typeof payload !== 'object') throw new RefusedError('the payload is no object');
    if (payload.iss !== this.id) throw new RefusedError('the issuer is another instance');
    if (payload.aud !== audience) throw new RefusedError('the audience is another instance');
    return Object.assign(opened, { raw }) as Opened;
  }

  private nowS(): number {
    return Math.floor(this.now() / 1_000);
  }
}
