// The agent's own way out: a proxy that opens tunnels (HTTP CONNECT) to hosts that it may reach, and to nothing else. What goes through
// a tunnel is the agent's and the host's; that it was opened, or refused, and how much went through is logged.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { AgentsLog } from '../deps.js';
import { AgentSocket } from '../doorways/agent-socket.js';
import type { Dial } from './options.js';

const tunnelsMax = 64;
const connectMs = 15_000;
const idleMs = 300_000;

export interface EgressDoorParts {
  readonly agentId: string;
  /** Made for this agent alone, and removed with the door. */
  readonly folder: string;
  /** Asked anew for each tunnel: what a grant no longer allows is refused from then on. */
  readonly allows: (host: string) => boolean | Promise<boolean>;
  readonly dial: Dial;
  readonly log: AgentsLog;
}

export class EgressDoor {
  private readonly server: Server;
  private readonly open = new Set<Duplex>();
  private socket?: AgentSocket;

  private constructor(private readonly parts: EgressDoorParts) {
    this.server = createServer((_request, response) => plain(response));
    this.server.maxConnections = tunnelsMax;
    this.server.on('connect', (request, inner, head) => void this.connect(request, inner, head));
  }

  static async open(parts: EgressDoorParts): Promise<EgressDoor> {
    const door = new EgressDoor(parts);
    door.socket = await AgentSocket.open(door.server, parts.folder);
    return door;
  }

  get path(): string {
    return this.socket?.path ?? '';
  }

  /** Every tunnel is cut. */
  async close(): Promise<void> {
    this.server.closeAllConnections();
    for (const tunnel of this.open) tunnel.destroy();
    await this.socket?.close();
  }

  private async connect({ url = '' }: IncomingMessage, inner: Duplex, head: Buffer): Promise<void> {
    inner.on('error', () => inner.destroy());
    this.open.add(inner.once('close', () => this.open.delete(inner)));
    const { agentId, log, allows } = this.parts;
    const { host, port } = targetOf(url);
    try {
      if (!(await allows(`${host}:${port}`))) throw new Error('It is not among the hosts that this agent may reach.');
      const outer = await this.dialled(host, port);
      if (inner.destroyed) outer.destroy();
      else this.join(inner, outer, head, `${host}:${port}`);
    } catch (cause) {
      log.warn({ agentId, host, port, cause }, 'a way out was refused to an agent');
      refuse(inner, `${host}:${port} cannot be reached from here. ${cause instanceof Error ? cause.message : ''}`);
    }
  }

  private dialled(host: string, port: number): Promise<Socket> {
    const outer = this.parts.dial(host, port);
    return new Promise((resolve, reject) => {
      const late = (): void => void outer.destroy(new Error('It did not answer in time.'));
      outer.setTimeout(connectMs, late);
      outer.once('error', reject).once('connect', () => {
        outer.setTimeout(idleMs, () => outer.destroy());
        resolve(outer);
      });
    });
  }

  private join(inner: Duplex, outer: Socket, head: Buffer, to: string): void {
    const { agentId, log } = this.parts;
    outer.on('error', () => outer.destroy());
    inner.once('close', () => outer.destroy());
    outer.once('close', () => {
      inner.destroy();
      const { bytesWritten: sentBytes, bytesRead: receivedBytes } = outer;
      log.info({ agentId, to, sentBytes, receivedBytes }, 'an agent was connected to a host');
    });
    inner.write('HTTP/1.1 200 Connection Established\r\n\r\n');
    outer.write(head);
    inner.pipe(outer).pipe(inner);
  }
}

/** `registry.npmjs.org:443`, as clients write it; what is none of the kind is a host that no list has. */
function targetOf(url: string): { readonly host: string; readonly port: number } {
  const [, host = '', port = ''] = /^([A-Za-z0-9.-]{1,253}):([0-9]{1,5})$/.exec(url) ?? [];
  return { host: host.toLowerCase().replace(/\.$/, ''), port: Number(port) };
}

function plain(response: ServerResponse): void {
  response.writeHead(405, { 'content-type': 'text/plain', connection: 'close' });
  response.end('writ: only tunnels (CONNECT, as for https) lead out of this sandbox.\n');
}

function refuse(inner: Duplex, text: string): void {
  const body = `writ: ${text}\n`;
  const head = `HTTP/1.1 403 Forbidden\r\ncontent-type: text/plain\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
  inner.end(`${head}\r\n\r\n${body}`);
}
