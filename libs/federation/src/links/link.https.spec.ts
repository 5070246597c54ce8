import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { selfSigned } from '../../../../test/support/tls-door.js';
import { AddressPolicy } from './address-policy.js';
import { dialHttps } from './https.js';
import { envelope, linkContract, listen } from './link.contract.js';
import type { Wire } from './link.contract.js';
import { PostedLink, postHandler } from './posts.js';

const policy = new AddressPolicy(['loopback']);
async function wireOver(server: Server, scheme: string, accepted: PostedLink, ca?: string): Promise<Wire> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const dialled = dialHttps(url, { policy, signal: new AbortController().signal, ca });
  const end = async (): Promise<void> => {
    dialled.close();
    accepted.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { dialled, accepted: Promise.resolve(accepted), cut: () => server.closeAllConnections(), end };
}

function plainWire(): Promise<Wire> {
  const accepted = new PostedLink('test');
  return wireOver(createServer(postHandler(() => accepted)), 'http', accepted);
}

linkContract('HTTP on loopback', plainWire);

linkContract('HTTPS', () => {
  const accepted = new PostedLink('test');
  const pair = selfSigned();
  return wireOver(
    createTlsServer(
      pair,
      postHandler(() => accepted),
    ),
    'https',
    accepted,
    pair.cert,
  );
});

async function answering(
  status: number,
  headers: Record<string, string> = {},
): Promise<{ url: string; server: Server }> {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, headers).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}

describe('a direct link', () => {
  test('[F-6] follows no redirect', async () => {
    const { url, server } = await answering(307, { location: 'http://127.0.0.1:1/writ/v1/messages' });
    const link = dialHttps(url, { policy, signal: new AbortController().signal });
    link.send(envelope('keys', 'x'));
    expect((await link.closed).reason).toBe('answered with HTTP 307');
    server.close();
  });

  test('refuses a certificate that nobody vouches for', async () => {
    const accepted = new PostedLink('test');
    const wire = await wireOver(
      createTlsServer(
        selfSigned(),
        postHandler(() => accepted),
      ),
      'https',
      accepted,
    );
    wire.dialled.send(envelope('keys', 'x'));
    expect((await wire.dialled.closed).code).toBe(1006);
    await wire.end();
  });

  test('answers a command on its own response, and ends that response with the last answer', async () => {
    const wire = await plainWire();
    const accepted = await wire.accepted;
    accepted.onMessage((_, reply) => {
      reply?.send(envelope('res', 'one'));
      reply?.send(envelope('res', 'two'));
      reply?.end();
      return true;
    });
    wire.dialled.send(envelope('cmd', 'x'));
    expect(await listen(wire.dialled).next(2)).toEqual([envelope('res', 'one'), envelope('res', 'two')]);
    await wire.end();
  });

  test('keeps for the next poll what is said while none is open, and polls again by itself', async () => {
    const wire = await plainWire();
    const [near, accepted] = [listen(wire.dialled), await wire.accepted];
    const far = listen(accepted);
    accepted.send(envelope('evt', 'before'));
    wire.dialled.send(envelope('ack', 'one'));
    await near.next(1);
    wire.dialled.send(envelope('ack', 'two'));
    await far.next(2);
    accepted.send(envelope('evt', 'after'));
    expect(await near.next(2)).toEqual([envelope('evt', 'before'), envelope('evt', 'after')]);
    await wire.end();
  });

  test('answers what is no message, another path, another method and an unknown key alike: 400 without a body', async () => {
    const server = createServer(postHandler(() => null));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const tries: [string, RequestInit][] = [
      ['/writ/v1/messages', { method: 'POST', body: 'hello' }],
      ['/writ/v1/messages', { method: 'POST', body: envelope('cmd', 'x') }],
      ['/writ/v1/messages', { method: 'GET' }],
      ['/elsewhere', { method: 'POST', body: envelope('cmd', 'x') }],
    ];
    for (const [path, init] of tries) {
      const response = await fetch(base + path, init);
      expect([response.status, await response.text()]).toEqual([400, '']);
    }
    server.closeAllConnections();
    server.close();
  });
});
