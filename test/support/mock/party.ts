// What a mock hub and a mock spoke have in common: keys, a connection, and messages that they sign, truly or not.
import type { Line } from './line.js';
import { holds, newKey, nonce, nowS, seal, type Heard, type Json, type Key } from './wire.js';

/** A change to the next message: its claims, its header, its payload as text, or the key it is signed with. */
export interface Lie {
  readonly claims?: Json;
  readonly header?: Json;
  readonly payload?: string;
  readonly key?: Key;
}

const lives: Readonly<Record<string, number>> = { 'writ-cmd+jws': 60, 'writ-hello+jws': 60, 'writ-pair-res+jws': 600 };

export class Party {
  readonly root = newKey();
  key: Key;
  con = '';
  /** The other side: its id, and the keys of its last statement. */
  peer = '';
  peerKeys: Json[] = [];
  half: Json = { state: 'pending', counter: 1 };
  /** Our nonce of the session, and theirs. */
  sn = nonce();
  theirs: string | undefined;
  private version = 0;

  constructor(alg: Key['alg'] = 'Ed25519') {
    this.key = newKey(alg);
  }

  get id(): string {
    return this.root.kid;
  }

  statement(change: Json = {}): string {
    const iat = nowS();
    const keys = [{ ...this.key.jwk, nbf: iat - 60, exp: iat + 86_400 }];
    const body = { v: 1, iss: this.id, ver: (this.version += 1), iat, exp: iat + 86_400, keys, revoked: [], ...change };
    return seal('writ-keys+jws', body, this.root);
  }

  message(typ: string, claims: Json, { key = this.key, claims: others, ...rest }: Lie = {}): string {
    const iat = nowS();
    const life = lives[typ];
    const envelope = { v: 1, iss: this.id, aud: this.peer, con: this.con, jti: nonce(), iat };
    const times = life === undefined ? {} : { exp: iat + life };
    return seal(typ, { ...envelope, ...times, ...claims, ...others }, key, rest);
  }

  hello(more: Json = {}, lie?: Lie): string {
    const re = this.theirs === undefined ? {} : { re: this.theirs };
    const facts = { versions: [1], ops: this.operations, replica: 'mock', half: this.half, ...this.facts() };
    return this.message('writ-hello+jws', { sn: this.sn, ...re, ...facts, ...more }, lie);
  }

  /** What it can do, as its hello says. */
  operations: readonly string[] = [
    'agent.spawn',
    'agent.status',
    'agent.kill',
    'agents.kill',
    'agent.list',
    'agent.artifact',
  ];

  /** What only one of the two says in its hello. */
  protected facts(): Json {
    return {};
  }

  /** Their keys, by the root that was pinned at pairing. @throws Error when the statement does not hold */
  learn({ raw, claims }: Heard, root: Json): void {
    if (claims.iss !== this.peer || !holds(raw, root)) throw new Error('a statement that the root did not sign');
    this.peerKeys = claims.keys as Json[];
  }

  /** The next message of that kind, verified and for us. */
  async hear(line: Line, typ: string, fits?: (heard: Heard) => boolean): Promise<Heard> {
    const heard = await line.next(typ, fits);
    const { iss, aud, con } = heard.claims;
    if (iss !== this.peer || aud !== this.id || con !== this.con) throw new Error(`${typ} is not for us`);
    if (!this.peerKeys.some((jwk) => holds(heard.raw, keyOf(jwk)))) throw new Error(`${typ} is not signed by them`);
    return heard;
  }
}

/** A key of a statement without its times. */
function keyOf({ kty, crv, x, y }: Json): Json {
  return y === undefined ? { kty, crv, x } : { kty, crv, x, y };
}
