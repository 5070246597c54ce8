// One end of a link in the hands of a test: it has an instance's real keys and says whatever it is told to.
import { lifetimeMaxS, newNonce, peekHeader, signJws } from '#protocol';
import type { MessageType, SigningKey } from '#protocol';
import type { Identity } from '../identity/identity.js';
import type { Link } from '../links/link.js';

interface Heard {
  readonly raw: string;
  readonly typ: string;
  readonly payload: Record<string, unknown>;
}

export class Puppet {
  readonly sn = newNonce();
  readonly heard: Heard[] = [];
  /** The nonce of the other side. */
  theirs = '';
  #wake = (): void => undefined;

  constructor(
    readonly link: Link,
    private readonly identity: Identity,
    private readonly audience: string,
    private readonly con: string,
  ) {
    link.onMessage((raw) => {
      const [, body = ''] = raw.split('.');
      const payload = JSON.parse(Buffer.from(body, 'base64url').toString()) as Record<string, unknown>;
      this.heard.push({ raw, typ: peekHeader(raw).typ, payload });
      this.#wake();
      return true;
    });
    void link.closed.then(() => this.#wake());
  }

  /** Signed with the real key unless another is given; `claims` replaces what the envelope would say. */
  message(typ: MessageType, claims: object, lifetimeS?: number, key: SigningKey = this.identity.signing): string {
    const iat = Math.floor(Date.now() / 1_000);
    const times = lifetimeS === undefined ? { iat } : { iat, exp: iat + lifetimeS };
    const envelope = { v: 1, iss: this.identity.id, aud: this.audience, con: this.con, jti: newNonce(), ...times };
    return signJws(typ, { ...envelope, ...claims }, key);
  }

  hello(claims: object = {}): string {
    const half = { state: 'active', counter: 1 };
    const facts = { versions: [1], ops: [], replica: 'puppet', half };
    return this.message('writ-hello+jws', { sn: this.sn, ...facts, ...claims }, lifetimeMaxS.hello);
  }

  command(cmds: object[], claims: object = {}, lifetimeS = 60): string {
    return this.message('writ-cmd+jws', { sn: this.theirs, cmds, ...claims }, lifetimeS);
  }

  /** The next message of a type that was not asked for before. */
  async next(typ: string): Promise<Heard> {
    for (;;) {
      const at = this.heard.findIndex((one) => one.typ === `writ-${typ}+jws`);
      const [found] = at < 0 ? [] : this.heard.splice(at, 1);
      if (found) return found;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** As the side that was dialled: answers the other's keys and hello until there is a session. */
  async answer(): Promise<void> {
    await this.next('keys');
    this.theirs = String((await this.next('hello')).payload['sn']);
    this.link.send(this.identity.statement.token);
    this.link.send(this.hello({ re: this.theirs }));
    await this.next('hello');
  }

  /** As the side that dials. */
  async dial(claims: object = {}): Promise<void> {
    this.link.send(this.identity.statement.token);
    this.link.send(this.hello(claims));
    await this.next('keys');
    this.theirs = String((await this.next('hello')).payload['sn']);
    this.link.send(this.hello({ ...claims, re: this.theirs }));
  }

  /** Sends a command and returns the payload of what comes back. */
  async ask(raw: string): Promise<Record<string, unknown>> {
    this.link.send(raw);
    return (await this.next('res')).payload;
  }
}
