// A hub from the text that dials a spoke with a public URL: each message is one POST, what comes back is one message a line.
import { EventEmitter } from 'node:events';
import { createInterface } from 'node:readline';
import { Pool } from 'undici';
import { MockHub } from './hub.js';
import { Line, type Socket } from './line.js';
import { nonce } from './wire.js';

export const messagesPath = '/writ/v1/messages';

class Posts extends EventEmitter implements Socket {
  private readonly pool: Pool;
  /** The head of the answer to the post before. */
  private before: Promise<unknown> = Promise.resolve();

  constructor(url: string) {
    super();
    this.pool = new Pool(url, { connections: 64, pipelining: 1 });
  }

  send(raw: string): void {
    this.before = this.before.then(() => this.post(raw)).catch(() => this.terminate());
  }

  terminate(): void {
    if (this.pool.destroyed) return;
    void this.pool.destroy();
    this.emit('close', 1006);
  }

  private async post(raw: string): Promise<void> {
    const headers = { 'content-type': 'application/jose' };
    const answer = await this.pool.request({ path: messagesPath, method: 'POST', headers, body: raw });
    if (answer.statusCode !== 200) throw new Error(`answered with ${answer.statusCode}`);
    createInterface(answer.body.on('error', () => undefined))
      .on('error', () => undefined)
      .on('line', (line) => this.emit('message', Buffer.from(line)));
  }
}

export class DirectHub extends MockHub {
  /** To the spoke that has joined; resolves when there is a session. */
  async dial(url: string): Promise<void> {
    const line = new Line(new Posts(url));
    this.half = { state: 'active', counter: 2 };
    [this.sn, this.theirs] = [nonce(), undefined];
    line.say(this.statement());
    line.say(this.hello());
    this.learn(await line.next('writ-keys+jws'), this.spokeRoot);
    this.said = (await this.hear(line, 'writ-hello+jws')).claims;
    this.theirs = String(this.said.sn);
    line.say(this.hello());
    this.lines.push(line);
    this.begin();
    line.say(this.ack());
    void this.follow(line).catch(() => undefined);
  }
}
