import { createServer } from 'node:http';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { AddressPolicy } from './address-policy.js';
import { linkContract } from './link.contract.js';
import type { Link } from './link.js';
import { acceptWebSockets } from './upgrade.js';
import type { UpgradeLimits } from './upgrade.js';
import { dialWebSocket } from './websocket.js';

const policy = new AddressPolicy(['loopback']);
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function gate(limits: UpgradeLimits = {}) {
  const server = createServer();
  const stop = new AbortController();
  const links: Link[] = [];
  const accepted = new Promise<Link>((resolve) => {
    const arrived = (link: Link): void => resolve(links[links.push(link) - 1]!);
    acceptWebSockets(server, arrived, stop.signal, limits);
  });
  const url = await listening(server);
  const end = async (): Promise<void> => {
    stop.abort();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  ends.push(end);
  return { server, url, accepted, links, stop };
}

linkContract('WebSocket', async () => {
  const { server, url, accepted } = await gate();
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket) => sockets.add(socket));
  const dialled = await dialWebSocket(url, { policy, signal: new AbortController().signal });
  const cut = (): void => sockets.forEach((socket) => socket.destroy());
  return { dialled, accepted, cut, end: async () => dialled.close() };
});

const dial = (url: string): Promise<Link> => dialWebSocket(url, { policy, signal: new AbortController().signal });

describe('the upgrade', () => {
  test('refuses links over the limit with 503', async () => {
    const { url } = await gate({ linksMax: 1 });
    const first = await dial(url);
    await expect(dial(url)).rejects.toMatchObject({ code: 'peer_unavailable' });
    first.close();
  });

  test('refuses an address that comes too often in a minute', async () => {
    const { url } = await gate({ perMinuteMax: 2 });
    (await dial(url)).close();
    (await dial(url)).close();
    await expect(dial(url)).rejects.toMatchObject({ code: 'peer_unavailable' });
  });

  test('[O-7] counts the address of the socket, whatever another a header claims', async () => {
    const { url, links } = await gate({ perMinuteMax: 2 });
    const claimed = async (n: number): Promise<number> => {
      const address = `203.0.113.${n}`;
      const headers = { 'x-forwarded-for': address, forwarded: `for=${address}`, 'x-real-ip': address };
      const socket = new WebSocket(`${url}/writ/v1/link`, { headers });
      socket.on('error', () => undefined);
      const status = await new Promise<number>((resolve) => {
        socket.once('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
        socket.once('open', () => resolve(101));
      });
      socket.terminate();
      return status;
    };
    const statuses: number[] = [];
    for (const n of [1, 2, 3, 4]) statuses.push(await claimed(n));
    expect([statuses, links.length]).toEqual([[101, 101, 429, 429], 2]);
  });

  test('answers another path with 404 and opens nothing', async () => {
    const { url, links } = await gate();
    const socket = new WebSocket(`${url}/elsewhere`);
    const status = await new Promise((resolve) =>
      socket.once('unexpected-response', (_, response) => resolve(response.statusCode)),
    );
    socket.on('error', () => undefined).terminate();
    expect([status, links.length]).toEqual([404, 0]);
  });

  test('closes a socket that sends binary frames with 1008', async () => {
    const { url } = await gate();
    const socket = new WebSocket(`${url}/writ/v1/link`);
    socket.once('open', () => socket.send(Buffer.from([1, 2, 3])));
    expect(await new Promise((resolve) => socket.once('close', resolve))).toBe(1008);
  });

  test('says 1001 to every link when it is shut', async () => {
    const { url, stop } = await gate();
    const link = await dial(url);
    stop.abort();
    expect((await link.closed).code).toBe(1001);
  });
});

describe('the dialler of a WebSocket', () => {
  test('[F-6] follows no redirect', async () => {
    const { url } = await gate();
    const bait = createServer();
    bait.on('upgrade', (_, socket) =>
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${url}/writ/v1/link\r\nContent-Length: 0\r\n\r\n`),
    );
    const baitUrl = await listening(bait);
    await expect(dial(baitUrl)).rejects.toMatchObject({ code: 'peer_unavailable' });
    bait.close();
  });

  test('ends with its signal while it is still dialling', async () => {
    const silent = createServer();
    silent.on('upgrade', () => undefined);
    const url = await listening(silent);
    const stop = new AbortController();
    const dialling = dialWebSocket(url, { policy, signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(dialling).rejects.toThrow();
    silent.closeAllConnections();
    silent.close();
  });

  test('gives up on a server that never answers', async () => {
    const silent = createServer();
    silent.on('upgrade', () => undefined);
    const url = await listening(silent);
    const dialling = dialWebSocket(url, { policy, signal: new AbortController().signal, timeoutMs: 50 });
    await expect(dialling).rejects.toMatchObject({ code: 'peer_unavailable' });
    const { port } = silent.address() as AddressInfo;
    connect(port).destroy();
    silent.closeAllConnections();
    silent.close();
  });
});
