// A hub from the text of docs/protocol.md: pairs, says hello, commands, takes events. What it says can be a lie.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { WebSocketServer, type WebSocket } from 'ws';
import { until } from '../until.js';
import { Line } from './line.js';
import { Party, type Lie } from './party.js';
import {
  base64url,
  chainNext,
  chainStart,
  inviteLine,
  nonce,
  nowS,
  pairingMac,
  read,
  seal,
  type Heard,
  type Json,
} from './wire.js';

interface Journal {
  readonly epo: string;
  seq: number;
  chain: Buffer;
}

export class MockHub extends Party {
  readonly events: Json[] = [];
  /** As the spoke's last hello stated it. */
  said: Json = {};
  /** Whether events are taken and acknowledged. */
  takesEvents = true;
  /** The root that the spoke showed at pairing. */
  protected spokeRoot: Json = {};
  private readonly secret = nonce();
  private readonly invite = nonce();
  private readonly server = createServer((request, reply) => void this.pair(request, reply));
  private readonly sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
  protected readonly lines: Line[] = [];
  private journal: Journal | undefined;

  async open(): Promise<void> {
    this.server.on('upgrade', (request, socket, head) => {
      this.sockets.handleUpgrade(request, socket, head, (ws) => void this.meet(ws).catch(() => undefined));
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  inviteLine(): string {
    const facts = { name: 'mock', url: this.url, hub: this.id, id: this.invite, secret: this.secret };
    return inviteLine({ ...facts, ops: this.operations, exp: nowS() + 900 });
  }

  /** The line of the session that stands, when it is not `not`. */
  line(not?: Line): Promise<Line> {
    return until('a session', () => this.lines.findLast((line) => line !== not && line.code === undefined));
  }

  /** What was accepted last, when anything was: the spoke goes on from there. */
  protected override facts(): Json {
    if (!this.journal) return {};
    const { epo, seq, chain } = this.journal;
    return { journal: { epo, seq, h: base64url(chain) } };
  }

  /** Our half becomes active, and the spoke is told. */
  async accept(): Promise<void> {
    await this.change({ state: 'active', counter: 2 });
  }

  async change(half: Json): Promise<void> {
    this.half = half;
    (await this.line()).say(this.hello());
  }

  /** Sends commands in one message; resolves with the word for the whole of it, or when each is answered, in the order of their ids. */
  async command(cmds: readonly Json[], lie: Lie = {}): Promise<{ err?: unknown; results: readonly Json[] }> {
    const line = await this.line();
    const raw = this.commands(cmds, lie);
    line.say(raw);
    const results: Json[] = [];
    while (results.length < Math.max(1, cmds.length)) {
      const { claims } = await this.resultOf(line, raw);
      if (claims.err !== undefined) return { err: claims.err, results };
      results.push(...(claims.results as Json[]));
    }
    return { results: results.sort((a, b) => Number(a.id) - Number(b.id)) };
  }

  /** A command message, signed and not sent. */
  commands(cmds: readonly Json[], lie: Lie = {}): string {
    const whole = cmds.map((one, n) => ({ id: String(n), gv: 0, ...one }));
    return this.message('writ-cmd+jws', { sn: this.theirs ?? nonce(), cmds: whole }, lie);
  }

  resultOf(line: Line, raw: string): Promise<Heard> {
    const { h } = read(raw);
    return this.hear(line, 'writ-res+jws', ({ claims }) => (claims.req as Json).h === h);
  }

  ack(change: Json = {}): string {
    const { epo, seq, chain } = this.journal ?? { epo: nonce(), seq: 0, chain: Buffer.alloc(32) };
    return this.message('writ-ack+jws', { epo, seq, h: base64url(chain), ...change });
  }

  async close(): Promise<void> {
    for (const { socket } of this.lines) socket.terminate();
    this.sockets.close();
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  private async pair(request: IncomingMessage, reply: ServerResponse): Promise<void> {
    reply.end(this.paired(read(await text(request))));
  }

  private paired({ claims, h }: Heard): string {
    const { iss: spoke, jti, nonce: theirs, mac, root } = claims as Record<string, string>;
    const parts = { invite: this.invite, hub: this.id, spoke: String(spoke), nonce: String(theirs) };
    if (mac !== pairingMac(this.secret, 'spoke', parts)) throw new Error('the MAC of the spoke is wrong');
    [this.peer, this.con, this.spokeRoot] = [parts.spoke, nonce(), root as unknown as Json];
    const answer = { invite: this.invite, mac: pairingMac(this.secret, 'hub', parts), root: this.root.jwk };
    const more = { keys: this.statement(), name: 'mock', req: { jti, h } };
    const iat = nowS();
    const envelope = { v: 1, iss: this.id, aud: this.peer, con: this.con, jti: nonce(), iat, exp: iat + 600 };
    return seal('writ-pair-res+jws', { ...envelope, ...answer, ...more }, this.root);
  }

  private async meet(socket: WebSocket): Promise<void> {
    const line = new Line(socket);
    this.learn(await line.next('writ-keys+jws'), this.spokeRoot);
    const hello = await this.hear(line, 'writ-hello+jws');
    this.sn = nonce();
    this.theirs = String(hello.claims.sn);
    line.say(this.statement());
    line.say(this.hello());
    this.said = (await this.hear(line, 'writ-hello+jws', ({ claims }) => claims.re === this.sn)).claims;
    this.lines.push(line);
    this.begin();
    if (this.takesEvents) line.say(this.ack());
    await this.follow(line);
  }

  /** A new epoch begins with nothing accepted. */
  protected begin(): void {
    const { epo } = (this.said.journal ?? {}) as { epo?: string };
    if (epo !== undefined && this.journal?.epo !== epo)
      this.journal = { epo, seq: 0, chain: chainStart(this.con, epo) };
  }

  protected async follow(line: Line): Promise<void> {
    for (;;) {
      const heard = await this.hear(line, 'writ-evt+jws').catch((error: unknown) => {
        if (line.code !== undefined) throw error;
      });
      if (this.takesEvents && heard) this.accepted(line, heard.claims);
    }
  }

  private accepted(line: Line, { epo, seq, prev, events }: Json): void {
    const { journal } = this;
    if (!journal || journal.epo !== epo || seq !== journal.seq + 1) return;
    if (prev !== base64url(journal.chain)) throw new Error('the chain of events does not hold');
    for (const event of events as string[]) {
      journal.chain = chainNext(journal.chain, event);
      journal.seq += 1;
      this.events.push(JSON.parse(event) as Json);
    }
    line.say(this.ack());
  }
}
