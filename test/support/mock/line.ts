// One link as a mock party sees it: what was said on it, in order, and how it ended.
import { once, type EventEmitter } from 'node:events';
import { read, type Heard } from './wire.js';

const patienceMs = 15_000;

/** A WebSocket, or what stands for one. */
export interface Socket extends EventEmitter {
  send(data: string | Buffer, how?: object): void;
  terminate(): void;
}

export class Line {
  readonly heard: Heard[] = [];
  /** The close code, once it has one. */
  code: number | undefined;
  private readonly taken = new Set<Heard>();
  private wake = Promise.withResolvers<undefined>();

  constructor(readonly socket: Socket) {
    socket.on('message', (data: Buffer) => this.take(read(data.toString())));
    socket.on('error', () => undefined);
    socket.on('close', (code: number) => {
      this.code = code;
      this.stir();
    });
  }

  say(raw: string): void {
    this.socket.send(raw);
  }

  /** The first message of that kind that nobody has taken yet. @throws Error when the line ends or stays silent */
  async next(typ: string, fits: (heard: Heard) => boolean = () => true): Promise<Heard> {
    const until = Date.now() + patienceMs;
    for (;;) {
      const found = this.heard.find((one) => one.typ === typ && !this.taken.has(one) && fits(one));
      if (found) {
        this.taken.add(found);
        return found;
      }
      if (this.code !== undefined) throw new Error(`the line was closed with ${this.code} before ${typ}`);
      await this.more(until - Date.now(), typ);
    }
  }

  /** The code with which the other side closed. */
  async ended(): Promise<number> {
    if (this.code === undefined) await once(this.socket, 'close', { signal: AbortSignal.timeout(patienceMs) });
    return this.code ?? 0;
  }

  private take(heard: Heard): void {
    this.heard.push(heard);
    this.stir();
  }

  private stir(): void {
    this.wake.resolve(undefined);
    this.wake = Promise.withResolvers<undefined>();
  }

  private async more(ms: number, typ: string): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(new Error(`no ${typ} came`)), Math.max(0, ms));
    await Promise.race([this.wake.promise, promise]).finally(() => clearTimeout(timer));
  }
}
