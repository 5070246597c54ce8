// The agent's own door to the model API: HTTP on a Unix socket in the agent's folder, open to its token alone.
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AgentSocket } from '../doorways/agent-socket.js';
import { read } from './bytes.js';
import type { Asked, Reply } from './passage.js';
import { Refused, refusedFor } from './refusal.js';

const requestBytesMax = 32 * 2 ** 20;
const requestsMax = 16;
const connectionsMax = 64;

export interface DoorOptions {
  /** Made for this agent alone, and removed with the door. */
  readonly folder: string;
  readonly token: string;
  readonly pass: (asked: Asked) => Promise<Reply>;
}

export class Door {
  private readonly server: Server;
  private inside = 0;
  private listening?: AgentSocket;

  private constructor(private readonly options: DoorOptions) {
    this.server = createServer((request, response) => void this.serve(request, response));
    this.server.maxConnections = connectionsMax;
  }

  /** Listens when this resolves; only the owner may connect. */
  static async open(options: DoorOptions): Promise<Door> {
    const door = new Door(options);
    door.listening = await AgentSocket.open(door.server, options.folder);
    return door;
  }

  get socket(): string {
    return this.listening?.path ?? '';
  }

  /** Every open stream ends, and nothing is admitted any more. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await this.listening?.close();
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    this.inside += 1;
    try {
      const reply = await this.options.pass(await this.asked(request, gone.signal));
      response.writeHead(reply.status, reply.headers);
      response.flushHeaders();
      await pipeline(Readable.from(reply.body, { objectMode: false }), response);
    } catch (error) {
      refuse(response, refusedFor(error));
    } finally {
      this.inside -= 1;
    }
  }

  private async asked(request: IncomingMessage, signal: AbortSignal): Promise<Asked> {
    const { method, url = '/', headers } = request;
    if (!this.knows(headers['x-api-key'] ?? headers.authorization))
      throw new Refused(401, 'This is not the token of the agent.');
    if (this.inside > requestsMax) throw new Refused(429, `An agent has at most ${requestsMax} requests under way.`);
    if (method !== 'POST') throw new Refused(404, 'Only POST is forwarded.');
    const text = (await bodyOf(request)).toString('utf8');
    const [path = ''] = url.split('?');
    return { path, text, signal, version: one(headers['anthropic-version']), beta: one(headers['anthropic-beta']) };
  }

  private knows(given: string | string[] | undefined): boolean {
    const digest = (text: string) => createHash('sha256').update(text).digest();
    return timingSafeEqual(digest(one(given)?.replace(/^Bearer /i, '') ?? ''), digest(this.options.token));
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  return read(request as AsyncIterable<Buffer>, requestBytesMax).catch((error: unknown) => {
    throw error instanceof Refused ? new Refused(413, `A request has at most ${requestBytesMax} bytes.`) : error;
  });
}

const one = (header: string | string[] | undefined) => (Array.isArray(header) ? header.join(',') : header);

/** A reply that has begun can only be cut off. */
function refuse(response: ServerResponse, refused: Refused): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, body, more } = refused;
  response.writeHead(status, { ...more.headers, 'content-type': 'application/json', connection: 'close' });
  response.end(body);
}
