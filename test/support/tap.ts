// A tap on the wire between spoke and hub: passes plain HTTP and WebSocket on, records every frame, and can say things itself.
// What an attacker who owns the network could do, the tests and the demo do with it.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';

type Direction = 'to-hub' | 'to-spoke';

export interface Frame {
  readonly direction: Direction;
  readonly text: string;
}

/** A link that goes through: its two sockets, and the connection that its messages name. */
interface Wire {
  readonly spoke: WebSocket;
  readonly hub: WebSocket;
  connection?: string;
}

/** What becomes of a message on its way: it is passed on, changed, later, several times, or not at all. */
export type Weather = (text: string, pass: (text: string) => void) => void;

/** How the spoke's side of a link ended. */
export interface Closing {
  readonly connection?: string;
  readonly code: number;
}

/** The `con` claim of a message; nobody verifies anything here. */
function connectionOf(text: string): string | undefined {
  const { con } = JSON.parse(Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()) as { con?: string };
  return con;
}

export class Tap {
  readonly frames: Frame[] = [];
  /** In order. */
  readonly closings: Closing[] = [];
  /** An honest network, until somebody makes another. */
  weather: Weather = (text, pass) => pass(text);
  private readonly wires = new Set<Wire>();
  private target = '';
  private muted: Direction | undefined;
  private cutting: ((frame: Frame) => boolean) | undefined;
  private readonly server = createServer((incoming, outgoing) => void this.forward(incoming, outgoing));
  private readonly sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });

  /** Listens on a free port of loopback; returns the URL to give to the spoke. */
  async open(): Promise<string> {
    this.server.on('upgrade', (incoming, socket, head) => {
      this.sockets.handleUpgrade(incoming, socket, head, (spoke) => this.join(spoke, incoming));
    });
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Where the hub is; may be set after opening, for a hub needs to know the tap's URL first. */
  aim(hubUrl: string): void {
    this.target = hubUrl;
  }

  /** Says a message on the link of the connection that it names, as if the other side had. */
  inject(direction: Direction, text: string): void {
    this.injectOn(connectionOf(text), direction, text);
  }

  /** The same on the link of another connection, or with what names none. */
  injectOn(connection: string | undefined, direction: Direction, text: string): void {
    const wire = this.wireOf(connection);
    if (!wire) throw new Error('no link of that connection goes through the tap now');
    (direction === 'to-hub' ? wire.hub : wire.spoke).send(text);
  }

  /** From now on nothing that way arrives, though the links stand. */
  mute(direction: Direction): void {
    this.muted = direction;
  }

  unmute(): void {
    this.muted = undefined;
  }

  carries(connection: string): boolean {
    return this.wireOf(connection) !== undefined;
  }

  /** Cuts all links as a dead network would: without a close frame. */
  cut(): void {
    for (const { spoke, hub } of this.wires) for (const socket of [spoke, hub]) socket.terminate();
  }

  /** The first frame that fits does not pass: the links are cut in its place. */
  cutAt(fits: (frame: Frame) => boolean): void {
    this.cutting = fits;
  }

  private wireOf(connection: string | undefined): Wire | undefined {
    return [...this.wires].find((wire) => wire.connection !== undefined && wire.connection === connection);
  }

  async close(): Promise<void> {
    this.cut();
    this.sockets.close();
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }

  private join(spoke: WebSocket, incoming: IncomingMessage): void {
    const hub = new WebSocket(`${this.target.replace(/^http/, 'ws')}${incoming.url ?? ''}`, {
      perMessageDeflate: false,
    });
    const wire: Wire = { spoke, hub };
    this.wires.add(wire);
    const early: string[] = [];
    hub.on('open', () => early.splice(0).forEach((text) => hub.send(text)));
    spoke.on('message', (data: Buffer) => this.pass(wire, 'to-hub', data.toString(), early));
    hub.on('message', (data: Buffer) => this.pass(wire, 'to-spoke', data.toString(), early));
    this.endTogether(wire);
  }

  private pass(wire: Wire, direction: Direction, text: string, early: string[]): void {
    this.frames.push({ direction, text });
    wire.connection ??= connectionOf(text);
    if (direction === this.muted) return;
    if (this.cutting?.({ direction, text })) {
      this.cutting = undefined;
      this.cut();
      return;
    }
    const to = direction === 'to-hub' ? wire.hub : wire.spoke;
    this.weather(text, (said) => {
      if (to.readyState === WebSocket.CONNECTING) early.push(said);
      else if (to.readyState === WebSocket.OPEN) to.send(said);
    });
  }

  private endTogether(wire: Wire): void {
    const end = (code: number, other: WebSocket) => {
      this.wires.delete(wire);
      if (code === 1006) other.terminate();
      else if (other.readyState === WebSocket.OPEN) other.close(code >= 3000 || code === 1008 ? code : 1000);
    };
    wire.spoke.on('close', (code) => {
      this.closings.push({ connection: wire.connection, code });
      end(code, wire.hub);
    });
    wire.hub.on('close', (code) => end(code, wire.spoke));
    for (const socket of [wire.spoke, wire.hub])
      socket.on('error', () => end(1006, socket === wire.hub ? wire.spoke : wire.hub));
  }

  private async forward(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const hopByHop = new Set(['connection', 'host', 'transfer-encoding', 'keep-alive']);
    const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !hopByHop.has(name)));
    try {
      const hub = await request(`${this.target}${incoming.url ?? ''}`, {
        method: incoming.method as 'POST',
        headers,
        body: incoming,
      });
      outgoing.writeHead(hub.statusCode, hub.headers as Record<string, string>);
      hub.body.pipe(outgoing);
    } catch {
      outgoing.writeHead(502).end();
    }
  }
}
