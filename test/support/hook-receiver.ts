// A receiver of webhooks over real HTTP. It verifies by the text of Standard Webhooks 1.0, with nothing of what signs.
import { createHmac, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Got {
  readonly id: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly event: {
    readonly id: string;
    readonly type: string;
    readonly source: string;
    readonly subject: string;
    readonly spoke?: string;
    readonly data: unknown;
  };
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
}

export class HookReceiver {
  /** Every request that came, in order. */
  readonly got: Got[] = [];
  /** What it says to the nth, from 0. */
  answer: (nth: number) => Answer | Promise<Answer> = () => ({ status: 204 });

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async open(port = 0): Promise<HookReceiver> {
    const server = createServer();
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    const receiver = new HookReceiver(server, (server.address() as AddressInfo).port);
    server.on('request', (request, response) => void receiver.hear(request, response));
    return receiver;
  }

  private async hear(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await text(request);
    const { headers } = request;
    const event = JSON.parse(body) as Got['event'];
    const nth = this.got.push({ id: String(headers['webhook-id']), headers, body, event }) - 1;
    const answer = await this.answer(nth);
    response.writeHead(answer.status, answer.headers).end();
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/hook`;
  }

  ids(): string[] {
    return this.got.map(({ event }) => event.id);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** By "Verifying signatures" of the specification; the tolerance is five minutes. */
export function isSigned(
  { headers, body }: Pick<Got, 'headers' | 'body'>,
  secret: string,
  nowMs = Date.now(),
): boolean {
  const [id, at, signatures] = ['id', 'timestamp', 'signature'].map((name) => String(headers[`webhook-${name}`]));
  if (!/^\d+$/.test(at!) || Math.abs(nowMs / 1_000 - Number(at)) > 300) return false;
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
  const expected = createHmac('sha256', key).update(`${id}.${at}.${body}`).digest();
  return signatures!.split(' ').some((one) => {
    const [version, coded = ''] = one.split(',');
    const given = Buffer.from(coded, 'base64');
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected);
  });
}
