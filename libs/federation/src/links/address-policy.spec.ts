import type { lookup } from 'node:dns';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { WritError } from '#protocol';
import { pairingPost } from '../pairing/pairing-post.js';
import { AddressPolicy } from './address-policy.js';
import { dialHttps } from './https.js';
import { envelope } from './link.contract.js';
import type { Link } from './link.js';
import { dialWebSocket } from './websocket.js';

const open = new AddressPolicy();
const local = new AddressPolicy(['public', 'loopback']);

/** A name server that says whatever it is told to. */
function resolvesTo(...addresses: string[]): typeof lookup {
  const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  return ((_: string, __: object, done: (error: null, all: object[]) => void) => done(null, answer)) as typeof lookup;
}

describe('[F-6] the address policy', () => {
  test.each([
    'https://127.0.0.1',
    'https://2130706433',
    'https://0x7f.1',
    'https://0177.0.0.1',
    'https://127.1',
    'https://[::1]',
    'https://[::ffff:127.0.0.1]',
    'https://[::ffff:a9fe:a9fe]',
    'https://[64:ff9b::7f00:1]',
    'https://[2002:7f00:1::]',
    'https://169.254.169.254',
    'https://10.0.0.1',
    'https://172.16.0.1',
    'https://192.168.1.1',
    'https://100.64.0.1',
    'https://0.0.0.0',
    'https://[fe80::1]',
    'https://[fd00::1]',
    'https://224.0.0.1',
    'https://255.255.255.255',
  ])('refuses %s when only public addresses are allowed', (url) => {
    expect(() => open.check(url)).toThrow(expect.objectContaining({ code: 'invalid_request', field: 'url' }));
  });

  test.each([
    'http://example.com',
    'ws://93.184.216.34',
    'ftp://example.com',
    'https://u:p@example.com',
    'https://example.com/#x',
    'nonsense',
    'http://localhost.example.com',
  ])('refuses %s whatever is allowed', (url) => {
    expect(() => local.check(url)).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });

  test.each([
    'https://example.com',
    'https://93.184.216.34',
    'http://127.0.0.1:8080',
    'http://localhost',
    'ws://[::1]:1',
  ])('takes %s when public and loopback are allowed', (url) => {
    expect(local.check(url)).toBeInstanceOf(URL);
  });

  test('takes what a CIDR allows and nothing beside it', () => {
    const policy = new AddressPolicy(['10.1.0.0/16', 'fd00::/8']);
    expect(policy.check('https://10.1.2.3').hostname).toBe('10.1.2.3');
    expect(policy.check('https://[fd00::1]').hostname).toBe('[fd00::1]');
    expect(() => policy.check('https://10.2.0.1')).toThrow();
    expect(() => policy.check('https://93.184.216.34')).toThrow();
  });

  test('refuses to be made of what is no network', () => {
    expect(() => new AddressPolicy(['10.0.0.0/99'])).toThrow(expect.objectContaining({ code: 'config_invalid' }));
  });

  test('hands out only allowed ones of the addresses that a name resolves to', async () => {
    const policy = new AddressPolicy(['public'], resolvesTo('127.0.0.1', '93.184.216.34', '::1'));
    const lookup = policy.lookupFor(new URL('https://both.example'));
    const all = await new Promise((resolve) => lookup('both.example', { all: true }, (_, list) => resolve(list)));
    const one = await new Promise((resolve) => lookup('both.example', {}, (_, address) => resolve(address)));
    expect([all, one]).toEqual([[{ address: '93.184.216.34', family: 4 }], '93.184.216.34']);
  });

  describe('a name that is rebound after the check', () => {
    let server: Server;
    let taken: number;
    beforeAll(async () => {
      server = createServer((socket) => {
        taken += 1;
        socket.destroy();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    });
    beforeEach(() => {
      taken = 0;
    });
    afterAll(() => new Promise((resolve) => server.close(resolve)));

    const url = () => `https://rebound.example:${(server.address() as AddressInfo).port}`;
    const { signal } = new AbortController();
    /** Everything that dials; each tries until it knows. */
    const diallers: [string, (policy: AddressPolicy) => Promise<unknown>][] = [
      ['a WebSocket', (policy) => dialWebSocket(url(), { policy, signal })],
      ['a direct link', (policy) => onceClosed(dialHttps(url(), { policy, signal }))],
      ['a pairing', (policy) => pairingPost(policy)(url(), 'x')],
    ];
    const onceClosed = (link: Link) => {
      link.send(envelope('keys', 'x'));
      return link.closed;
    };
    const inside = [
      '127.0.0.1',
      '::ffff:127.0.0.1',
      '::1',
      '10.0.0.1',
      '169.254.169.254',
      'fd00::1',
      '64:ff9b::7f00:1',
    ];

    test.each(diallers)('%s goes to no address inside, however it is written', async (_what, dial) => {
      for (const address of inside)
        await dial(new AddressPolicy(['public'], resolvesTo(address))).catch((error: unknown) => {
          expect(error).toBeInstanceOf(WritError);
        });
      await dial(new AddressPolicy(['public'], resolvesTo(...inside))).catch(() => undefined);
      expect(taken).toBe(0);
    });

    test.each(diallers)('%s goes there when the policy allows it', async (_what, dial) => {
      await dial(new AddressPolicy(['loopback'], resolvesTo('127.0.0.1'))).catch(() => undefined);
      expect(taken).toBeGreaterThan(0);
    });
  });

  test('plain http to a name reaches loopback only, even where public addresses are allowed', async () => {
    const policy = new AddressPolicy(['public', 'loopback'], resolvesTo('93.184.216.34'));
    const lookup = policy.lookupFor(new URL('http://localhost'));
    expect(await new Promise((resolve) => lookup('localhost', {}, resolve))).toMatchObject({ code: 'invalid_request' });
  });
});
