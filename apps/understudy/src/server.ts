// The understudy: an HTTP stand-in for the Messages API that plays a script, and remembers what it was asked.
import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import { NoCue, Prompter } from './prompter.js';
import { countRequest, messagesRequest, type MessagesRequest } from './request.js';
import type { Script } from './script.js';
import { perform, sendError } from './stage.js';

/** A request as it was recorded. The key itself is not kept, only that there was one. */
export interface Recorded {
  readonly at: string;
  readonly path: string;
  readonly hasKey: boolean;
  readonly body: MessagesRequest;
  conversation?: string;
  turn?: number;
  /** `told`, or what went otherwise: `status 529`, `drop`, `no cue`, `client gone`. */
  outcome?: string;
}

const bodyBytesMax = 32 * 2 ** 20;
const recordedMax = 1_000;

export class Understudy {
  private readonly server: Server;
  private readonly prompter: Prompter;
  private recorded: Recorded[] = [];

  constructor(script: Script) {
    this.prompter = new Prompter(script);
    this.server = createServer((request, response) => void this.serve(request, response));
  }

  get requests(): readonly Recorded[] {
    return this.recorded;
  }

  /** Binds to loopback; port 0 takes a free one. Returns the base URL for a client. */
  async listen(port = 0): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject);
      this.server.listen(port, '127.0.0.1', resolve);
    });
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.setHeader('request-id', `req_understudy${randomBytes(9).toString('hex')}`);
    const { pathname } = new URL(request.url ?? '/', 'http://understudy');
    const route = `${request.method ?? ''} ${pathname}`;
    try {
      if (route === 'POST /v1/messages') await this.play(request, response);
      else if (route === 'POST /v1/messages/count_tokens') await this.count(request, response);
      else if (route === 'GET /requests') sendJson(response, this.recorded);
      else if (route === 'DELETE /requests') sendJson(response, (this.recorded = []));
      else sendError(response, 404, `The understudy does not serve ${route}.`);
    } catch {
      if (response.headersSent) response.destroy();
      else sendError(response, 500, 'The understudy failed.');
    }
  }

  private async play(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = await readBody(request);
    const parsed = messagesRequest.safeParse(parseJson(text ?? ''));
    if (text === undefined) sendError(response, 413, `A request has at most ${bodyBytesMax} bytes.`);
    else if (!parsed.success) sendError(response, 400, z.prettifyError(parsed.error));
    else await this.answer(this.record(request, parsed.data), response);
  }

  /** As many as the request has quarters of characters; it is neither played nor remembered. */
  private async count(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const text = (await readBody(request)) ?? '';
    const parsed = countRequest.safeParse(parseJson(text));
    if (parsed.success) sendJson(response, { input_tokens: Math.ceil(text.length / 4) });
    else sendError(response, 400, z.prettifyError(parsed.error));
  }

  private async answer(record: Recorded, response: ServerResponse): Promise<void> {
    const { model, stream } = record.body;
    try {
      const cue = this.prompter.cue(record.body);
      record.conversation = cue.conversation;
      record.turn = cue.turnIndex;
      record.outcome = await perform(cue, model, stream === true, response);
    } catch (error) {
      if (!(error instanceof NoCue)) throw error;
      record.outcome = 'no cue';
      sendError(response, 404, error.message, { 'x-should-retry': 'false' });
    }
  }

  private record(request: IncomingMessage, body: MessagesRequest): Recorded {
    const hasKey = request.headers['x-api-key'] !== undefined || request.headers.authorization !== undefined;
    const record: Recorded = { at: new Date().toISOString(), path: request.url ?? '', hasKey, body };
    this.recorded.push(record);
    if (this.recorded.length > recordedMax) this.recorded.shift();
    return record;
  }
}

function sendJson(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > bodyBytesMax) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
