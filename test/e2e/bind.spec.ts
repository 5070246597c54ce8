// Where the built apps agree to listen. The tests hold the wanted port themselves: an app that so much as tried to bind it
// would end with another error than the refusal.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { newApiKey } from '#protocol';
import { caller } from '../support/call.js';
import { Instance, type Role } from '../support/instance.js';
import { listeners } from '../support/listeners.js';
import { startWrit } from '../support/writ.js';

const folder = mkdtempSync(join(tmpdir(), 'writ-bind-'));
const roles: readonly Role[] = ['hub', 'spoke'];
let held: Server;
let port: number;

/** This machine's own addresses beyond loopback; a container may have none. */
const outer = Object.values(networkInterfaces()).flatMap((all) =>
  (all ?? []).filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address),
);
const hosts = ['0.0.0.0', '::', ...outer.slice(0, 1)];

beforeAll(async () => {
  held = createServer().listen(0);
  await once(held, 'listening');
  port = (held.address() as AddressInfo).port;
});

afterAll(() => {
  held.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

const freshFolder = () => mkdtempSync(join(folder, 'state-'));

/** What the command says, and how it ends. */
async function start(role: Role, stateDir: string, args: readonly string[], env: Record<string, string> = {}) {
  const child = startWrit([role, '--state', stateDir, ...args], { env });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [out, err] = await Promise.all([text(child.stdout!), text(child.stderr!)]);
  return { out, err, code: (await ended)[0] };
}

describe.each(roles)('a %s that nobody has a key of yet', (role) => {
  test('[O-5] is not started beyond loopback: the coded message says what to do, and the port is never asked for', async () => {
    const refusals = hosts.map(async (host) => {
      const stateDir = freshFolder();
      const { code, out, err } = await start(role, stateDir, ['--host', host, '--port', String(port)]);
      expect({ host, code, out }).toEqual({ host, code: 1, out: '' });
      expect(err).toContain(`bind_refused: There is no API key yet, and ${host} is not loopback.`);
      expect(err).toContain('WRIT_ADMIN_KEY');
      expect(readdirSync(stateDir).filter((name) => ['instance.json', 'cli.key'].includes(name))).toEqual([]);
    });
    await Promise.all(refusals);
  }, 120_000);

  test('[O-5] is not started by a setting of the environment either', async () => {
    const { code, err } = await start(role, freshFolder(), [], { WRIT_HOST: '0.0.0.0', WRIT_PORT: String(port) });
    expect(code).toBe(1);
    expect(err).toMatch(/^bind_refused: /m);
  }, 120_000);

  test('on loopback the same port is asked for: that the refusal above came first is no accident', async () => {
    const { code, err } = await start(role, freshFolder(), ['--host', '127.0.0.1', '--port', String(port)]);
    expect(code).toBe(1);
    expect(err).toContain('EADDRINUSE');
    expect(err).not.toContain('bind_refused');
  }, 120_000);

  test('[O-5] listens beyond loopback with a key made beforehand, and opens to no one without it', async () => {
    const key = newApiKey();
    const env = { WRIT_HOST: '0.0.0.0', WRIT_ADMIN_KEY: key };
    const instance = await Instance.start({ role, name: role, stateDir: freshFolder(), env });
    const { url, pid } = instance;
    try {
      expect(listeners(pid).map(({ address }) => address)).toEqual(['0.0.0.0']);
      expect((await caller(url)('GET', '/v1/agents')).status).toBe(401);
      expect((await caller(url, key)('GET', '/v1/agents')).status).toBe(200);
    } finally {
      await instance.stop();
    }
  }, 120_000);

  test('[O-5] listens beyond loopback once a first start on loopback has given somebody a key', async () => {
    const first = await Instance.start({ role, name: role, stateDir: freshFolder() });
    const second = await first.restart('SIGTERM', { env: { WRIT_HOST: '0.0.0.0' } });
    try {
      expect(listeners(second.pid).map(({ address }) => address)).toEqual(['0.0.0.0']);
      expect((await caller(second.url)('GET', '/v1/agents')).status).toBe(401);
      expect((await caller(second.url, first.key)('GET', '/v1/agents')).status).toBe(200);
    } finally {
      await second.stop();
    }
  }, 120_000);
});
