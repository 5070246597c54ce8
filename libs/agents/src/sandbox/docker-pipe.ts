// Sandbox room: one output of a container as an ordinary stream. The engine puts eight bytes before each piece; behind them the
// stream is the program's own, and a reader that does not read holds the program back.
import type { Duplex } from 'node:stream';
import { Transform } from 'node:stream';
import type { TransformCallback } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

/** `[stream, 0, 0, 0, length as 32 bits]`: Engine API, "Attach to a container". */
const headerBytes = 8;
const lengthAt = 4;

class Unframed extends Transform {
  #header = Buffer.alloc(0);
  #leftBytes = 0;

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    for (let rest = chunk; rest.length > 0;) rest = this.#leftBytes > 0 ? this.#body(rest) : this.#head(rest);
    done();
  }

  #head(rest: Buffer): Buffer {
    const missing = headerBytes - this.#header.length;
    this.#header = Buffer.concat([this.#header, rest.subarray(0, missing)]);
    if (this.#header.length === headerBytes) {
      this.#leftBytes = this.#header.readUInt32BE(lengthAt);
      this.#header = Buffer.alloc(0);
    }
    return rest.subarray(missing);
  }

  #body(rest: Buffer): Buffer {
    const piece = rest.subarray(0, this.#leftBytes);
    this.#leftBytes -= piece.length;
    this.push(piece);
    return rest.subarray(piece.length);
  }
}

/** Far more than an engine holds back of a program that has ended. What a program says beyond it after its SIGKILL is dropped. */
const drainBytesMax = 64 * 2 ** 20;

export class OutputPipe {
  readonly stream = new Unframed();
  #drained?: Promise<void>;

  constructor(private readonly socket: Duplex) {
    socket.on('error', () => undefined);
    socket.once('close', () => this.stream.end());
    socket.pipe(this.stream);
  }

  /**
   * After the program's end: takes into memory what the engine still holds, a megabyte or two. Some engines throw it away when
   * nobody has read it two seconds later [O-1], others do not notice the end before. Gives up after `timeMs`.
   */
  drain(timeMs: number): Promise<void> {
    this.#drained ??= this.#drain(timeMs);
    return this.#drained;
  }

  async #drain(timeMs: number): Promise<void> {
    const { socket, stream } = this;
    const timer = new AbortController();
    if (!socket.readableEnded && !socket.destroyed) {
      const late = sleep(timeMs, undefined, { signal: timer.signal }).catch(() => undefined);
      await Promise.race([this.#takeAll(), late]);
      timer.abort();
    }
    stream.end();
    socket.destroy();
  }

  #takeAll(): Promise<unknown> {
    const { socket, stream } = this;
    socket.unpipe(stream);
    socket.on('data', (piece: Buffer) => {
      if (stream.writableLength < drainBytesMax) stream.write(piece);
    });
    socket.resume();
    return new Promise((resolve) => socket.once('end', resolve).once('close', resolve));
  }
}
