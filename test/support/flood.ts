// A model API that says more than anybody can hold: one reply to every request, as fast as it is taken.
import { createServer, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const restMs = 300;
const word = 'x'.repeat(60_000);

const event = (type: string, data: object): string => `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
const begin = event('message_start', { message: { usage: { input_tokens: 5, output_tokens: 1 } } });
const delta = event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: word } });
const end = event('message_delta', { delta: {}, usage: { output_tokens: 7 } }) + event('message_stop', {});

export class Flood {
  sentBytes = 0;
  private movedAt = performance.now();
  private readonly server: Server;

  private constructor(private readonly bytes: number) {
    this.server = createServer((_, response) => void this.pour(response));
  }

  static async open(bytes: number): Promise<Flood> {
    const flood = new Flood(bytes);
    await once(flood.server.listen(0, '127.0.0.1'), 'listening');
    return flood;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** It has begun, has more to say, and could say nothing for a while. */
  get isHeldBack(): boolean {
    return this.sentBytes > 0 && this.sentBytes < this.bytes && performance.now() - this.movedAt > restMs;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async pour(response: ServerResponse): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    await pipeline(Readable.from(this.told()), response).catch(() => undefined);
  }

  private *told(): Generator<string> {
    yield begin;
    for (; this.sentBytes < this.bytes; this.sentBytes += delta.length) {
      this.movedAt = performance.now();
      yield delta;
    }
    yield end;
  }
}
