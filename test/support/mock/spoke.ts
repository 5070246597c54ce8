// A spoke from the text of docs/protocol.md: joins, dials, answers commands from a script, tells events. What it says can be a lie.
import { once } from 'node:events';
import { request } from 'undici';
import { WebSocket } from 'ws';
import { Line } from './line.js';
import { Party, type Lie } from './party.js';
import {
  base64url,
  chainNext,
  chainStart,
  holds,
  inviteBody,
  nonce,
  nowS,
  pairingMac,
  read,
  seal,
  type Heard,
  type Json,
} from './wire.js';

/** The result of one command, without its id. */
export type Answering = (command: Json) => Json | undefined;

const grant = {
  operations: ['agent.spawn', 'agent.status', 'agent.kill', 'agents.kill', 'agent.list', 'agent.artifact'],
  agentTypes: ['worker'],
  repositories: ['**'],
};

export class MockSpoke extends Party {
  /** Every command that came, in order. */
  readonly commands: Json[] = [];
  epo = nonce();
  seq = 0;
  chain: Buffer = Buffer.alloc(0);
  line!: Line;
  private hubRoot: Json = {};
  private url = '';

  constructor(
    readonly name: string,
    private readonly answering: Answering,
  ) {
    super();
  }

  /** The body of a pairing request; `change` is for those who lie. */
  pairing(invite: string, change: Json = {}): string {
    const { id, hub, secret, url } = inviteBody(invite) as Record<string, string>;
    [this.url, this.peer] = [String(url), String(hub)];
    const theirs = nonce();
    const parts = { invite: String(id), hub: this.peer, spoke: this.id, nonce: theirs };
    const iat = nowS();
    const times = { jti: nonce(), iat, exp: iat + 600 };
    const facts = { root: this.root.jwk, keys: this.statement(), name: this.name, link: { kind: 'outbound' } };
    const who = { v: 1, iss: this.id, aud: this.peer, ...times, invite: id, nonce: theirs };
    return seal(
      'writ-pair-req+jws',
      { ...who, mac: pairingMac(String(secret), 'spoke', parts), ...facts, ...change },
      this.root,
    );
  }

  /** Says it, and gives back the status and the hub's answer. */
  async post(raw: string): Promise<{ status: number; text: string }> {
    const headers = { 'content-type': 'application/jose' };
    const { statusCode, body } = await request(`${this.url}/writ/v1/pair`, { method: 'POST', headers, body: raw });
    return { status: statusCode, text: await body.text() };
  }

  async join(invite: string): Promise<void> {
    const { status, text } = await this.post(this.pairing(invite));
    if (status !== 200) throw new Error(`pairing was answered with ${status}`);
    const { claims } = read(text);
    if (!holds(text, claims.root as Json) || claims.iss !== this.peer) throw new Error('the answer is not the hub’s');
    [this.con, this.hubRoot] = [String(claims.con), claims.root as Json];
    this.chain = chainStart(this.con, this.epo);
  }

  /** Keys, hello, hello. Our half is active as soon as the hub's is. */
  async dial(): Promise<Line> {
    const socket = new WebSocket(`${this.url.replace(/^http/, 'ws')}/writ/v1/link`, { perMessageDeflate: false });
    const line = new Line(socket);
    await once(socket, 'open');
    [this.sn, this.theirs] = [nonce(), undefined];
    line.say(this.statement());
    line.say(this.hello());
    this.learn(await line.next('writ-keys+jws'), this.hubRoot);
    const { claims } = await this.hear(line, 'writ-hello+jws');
    this.theirs = String(claims.sn);
    line.say(this.hello());
    this.line = line;
    void this.follow(line).catch(() => undefined);
    void this.greeted(line).catch(() => undefined);
    return line;
  }

  /** One event after the last, in a message of its own. */
  tell(event: Json, lie: Lie & { readonly keepsChain?: boolean } = {}): void {
    this.tellAll([event], lie);
  }

  /** Events after the last, in one message: 256 at most. */
  tellAll(events: readonly Json[], lie: Lie & { readonly keepsChain?: boolean } = {}): void {
    const texts = events.map((event) => JSON.stringify(event));
    const body = { epo: this.epo, seq: this.seq + 1, prev: base64url(this.chain), events: texts };
    this.line.say(this.message('writ-evt+jws', body, lie));
    if (lie.keepsChain) return;
    this.seq += texts.length;
    this.chain = texts.reduce(chainNext, this.chain);
  }

  /** What the spoke says of an agent of this hub. */
  event(type: string, subject: string, data: Json): Json {
    const head = { specversion: '1.0', id: nonce(), source: this.id, type, subject };
    return { ...head, time: new Date().toISOString(), data };
  }

  answer(asked: Heard, results: readonly Json[], lie: Lie = {}): void {
    const req = { jti: asked.claims.jti, h: asked.h };
    this.line.say(this.message('writ-res+jws', { req, results }, lie));
  }

  close(): void {
    this.line.socket.terminate();
  }

  protected override facts(): Json {
    const journal = { epo: this.epo, seq: this.seq, h: base64url(this.chain) };
    return { journal, gv: 1, grant };
  }

  private async follow(line: Line): Promise<void> {
    while (line.code === undefined) {
      const asked = await this.hear(line, 'writ-cmd+jws').catch(() => undefined);
      if (!asked) continue;
      const cmds = asked.claims.cmds as Json[];
      this.commands.push(...cmds);
      const results = cmds.flatMap((one) => {
        const result = this.answering({ ...one, asked });
        return result ? [{ id: one.id, gv: 1, ...result }] : [];
      });
      if (results.length > 0) this.answer(asked, results);
    }
  }

  private async greeted(line: Line): Promise<void> {
    while (line.code === undefined) {
      const hello = await this.hear(line, 'writ-hello+jws').catch(() => undefined);
      const { state } = (hello?.claims.half ?? {}) as { state?: string };
      if (state !== 'active' || this.half.state !== 'pending') continue;
      this.half = { state: 'active', counter: 2 };
      line.say(this.hello());
    }
  }
}
