// Where dialled links come in: the upgrade of an HTTP server, with its limits before anything is spent on a socket.
// Nobody is authenticated here; the first messages do that.
import type { IncomingMessage, Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer } from 'ws';
import type { WebSocket } from 'ws';
import type { Link } from './link.js';
import { linkPath, socketOptions, WebSocketLink } from './websocket.js';

export interface UpgradeLimits {
  /** Open links at most. 2,000 by default. */
  readonly linksMax?: number;
  /** Upgrades a minute from one address. 120 by default. */
  readonly perMinuteMax?: number;
}

const addressesMax = 10_000;
const statusText = { 404: 'Not Found', 429: 'Too Many Requests', 503: 'Service Unavailable' } as const;

/** Counts upgrades of each address in the current minute. Only the socket's own address counts, never a header. */
class UpgradeRate {
  #minute = 0;
  readonly #counts = new Map<string, number>();

  constructor(
    private readonly perMinuteMax: number,
    private readonly now: () => number,
  ) {}

  exceeded(address: string): boolean {
    const minute = Math.floor(this.now() / 60_000);
    if (minute !== this.#minute) this.#counts.clear();
    this.#minute = minute;
    const count = (this.#counts.get(address) ?? 0) + 1;
    if (count === 1 && this.#counts.size >= addressesMax) return true;
    this.#counts.set(address, count);
    return count > this.perMinuteMax;
  }
}

/**
 * Takes links on `/writ/v1/link` of an HTTP server until the signal aborts, which also closes them (1001).
 * Upgrades of other paths are left to other listeners, or refused when there are none.
 */
export function acceptWebSockets(
  server: Server,
  onLink: (link: Link) => void,
  signal: AbortSignal,
  limits: UpgradeLimits = {},
  now: () => number = Date.now,
): void {
  const sockets = new WebSocketServer({ ...socketOptions, noServer: true });
  const rate = new UpgradeRate(limits.perMinuteMax ?? 120, now);
  const linksMax = limits.linksMax ?? 2_000;
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    const address = request.socket.remoteAddress ?? '';
    if (request.url !== linkPath) refuseUnclaimed(server, socket);
    else if (rate.exceeded(address)) refuse(socket, 429);
    else if (sockets.clients.size >= linksMax) refuse(socket, 503);
    else sockets.handleUpgrade(request, socket, head, (opened) => onLink(new WebSocketLink(opened, address)));
  };
  server.on('upgrade', upgrade);
  signal.addEventListener('abort', () => {
    server.off('upgrade', upgrade);
    sockets.clients.forEach(leave);
  });
}

/** A peer that does not answer the close within a moment is cut. */
function leave(socket: WebSocket): void {
  socket.close(1001, 'going away');
  setTimeout(() => socket.terminate(), 1_000).unref();
}

function refuseUnclaimed(server: Server, socket: Duplex): void {
  if (server.listenerCount('upgrade') === 1) refuse(socket, 404);
}

function refuse(socket: Duplex, status: keyof typeof statusText): void {
  socket.on('error', () => undefined);
  socket.end(`HTTP/1.1 ${status} ${statusText[status]}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
}
