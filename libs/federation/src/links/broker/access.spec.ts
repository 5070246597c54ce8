// How a broker is told who we are, and how we know that it is the one: each way against a real server.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { nkeys } from '@nats-io/transport-node';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSqliteStore, type Store } from '#store';
import { natsRequirement, startNats, type NatsServer } from '../../../../../test/support/nats.js';
import { requirement } from '../../../../../test/support/require.js';
import { selfSigned } from '../../../../../test/support/tls-door.js';
import { until } from '../../../../../test/support/until.js';
import { AddressPolicy } from '../address-policy.js';
import { Broker } from './broker.js';
import { brokerOptions } from './options.js';

const here = requirement(...natsRequirement);
const folder = mkdtempSync(join(tmpdir(), 'writ-access-'));
const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
const secrets: Record<string, string> = {
  PASSWORD: 'pass-of-the-hub',
  TOKEN: 'token-of-the-fleet',
  SEED: Buffer.from(user.getSeed()).toString(),
  WRONG: 'something-else-entirely',
};
const { key, cert } = selfSigned();
/** What signs for an nkey is plain JavaScript, which takes seconds inside jest on a busy machine. */
const patient = 'timeout: 60';
const stop = new AbortController();
const ends: (() => Promise<void>)[] = [];
let byUser: NatsServer;
let byToken: NatsServer;
let byCreds: NatsServer;

type KeyPair = ReturnType<typeof nkeys.createUser>;

/** A claim as NATS reads it, signed by the next one up. */
function claim(of: KeyPair, by: KeyPair, nats: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const about = { jti: 'none', iat: Math.floor(Date.now() / 1_000), iss: by.getPublicKey(), sub: of.getPublicKey() };
  const input = `${part({ typ: 'JWT', alg: 'ed25519-nkey' })}.${part({ ...about, name: 'test', nats: { ...nats, version: 2 } })}`;
  return `${input}.${Buffer.from(by.sign(Buffer.from(input))).toString('base64url')}`;
}

function underOperator(): string {
  const free = { subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 };
  const jwt = claim(account, operator, { type: 'account', limits: free });
  return `authorization: { ${patient} }\noperator: ${claim(operator, operator, { type: 'operator' })}\nresolver: MEMORY\nresolver_preload: { ${account.getPublicKey()}: ${jwt} }`;
}

/** A file of our own, as `nsc` writes it. */
function credsFile(): string {
  const jwt = claim(user, account, { type: 'user', subs: -1, data: -1, payload: -1 });
  const block = (what: string, text: string) => `-----BEGIN ${what}-----\n${text}\n------END ${what}------\n`;
  return file('creds', `${block('NATS USER JWT', jwt)}\n${block('USER NKEY SEED', secrets.SEED ?? '')}`);
}

function file(name: string, text: string, mode = 0o600): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

beforeAll(async () => {
  if (!natsRequirement[1]) return;
  const users = `{ user: hub, password: "${secrets.PASSWORD}" }, { nkey: ${user.getPublicKey()} }`;
  const tls = (at: string) => `tls: { cert_file: "${at}/cert.pem", key_file: "${at}/key.pem" }`;
  [byUser, byToken, byCreds] = await Promise.all([
    startNats((at) => `${tls(at)}\nauthorization: { ${patient}, users: [ ${users} ] }`, {
      'cert.pem': cert,
      'key.pem': key,
    }),
    startNats(() => `authorization: { token: "${secrets.TOKEN}" }`),
    startNats(underOperator),
  ]);
});
afterAll(async () => {
  stop.abort();
  for (const end of ends) await end();
  if (natsRequirement[1]) await Promise.all([byUser, byToken, byCreds].map((server) => server.dispose()));
  rmSync(folder, { recursive: true });
});

/** A broker that is dialled with these settings, and all that it logged. */
async function dialled(settings: object, ca?: string) {
  const policy = new AddressPolicy(['loopback']);
  const variable = (name: string) => secrets[name];
  const broker = new Broker({ options: brokerOptions.parse(settings), id: 'test', policy, variable, ca });
  const store: Store = await openSqliteStore({ path: ':memory:' });
  const log: string[] = [];
  const say = (message: string, cause?: unknown) =>
    void log.push(`${message} ${JSON.stringify(cause)} ${String(cause)}`);
  broker.keep({ store, now: Date.now, log: say }, stop.signal);
  ends.push(() => broker.ended().then(() => store.close()));
  return { broker, log };
}

const connects = async (settings: object, ca?: string) => {
  const { broker } = await dialled(settings, ca);
  await until('the broker to let us in', () => broker.standing.connected, 60_000);
};
const isRefused = async (settings: object, why: RegExp, ca?: string) => {
  const { broker, log } = await dialled(settings, ca);
  await until('the reason', () => !broker.standing.connected && why.test(log.join('')));
  for (const secret of Object.values(secrets)) expect(log.join('')).not.toContain(secret);
};
const over = (server: NatsServer, scheme = 'nats') => server.url.replace('nats', scheme);

describe('access to a broker', () => {
  here(
    'is by password, token, nkey or credentials file, each by reference',
    async () => {
      const tls = over(byUser, 'tls');
      await connects({ url: tls, auth: 'password', user: 'hub', secretEnv: 'PASSWORD' }, cert);
      await connects({ url: tls, auth: 'nkey', secretFile: file('seed', `${secrets.SEED}\n`) }, cert);
      await connects({ url: over(byToken), auth: 'token', secretEnv: 'TOKEN' });
      await connects({ url: over(byCreds), auth: 'creds', secretFile: credsFile() });
    },
    120_000,
  );

  here('is refused with another secret, and no log has either', async () => {
    const refused = /does not take our credentials/;
    await isRefused({ url: over(byToken), auth: 'token', secretEnv: 'WRONG' }, refused);
    await isRefused({ url: over(byUser, 'tls'), auth: 'password', user: 'hub', secretEnv: 'WRONG' }, refused, cert);
    await isRefused({ url: over(byCreds), auth: 'none' }, refused);
  });

  here('is not asked for when its certificate is not vouched for, or it has none', async () => {
    const password = { auth: 'password', user: 'hub', secretEnv: 'PASSWORD' };
    await isRefused({ url: over(byUser, 'tls'), ...password }, /self.signed/);
    await isRefused({ url: over(byToken, 'tls'), auth: 'token', secretEnv: 'TOKEN' }, /does not support 'tls'/, cert);
  });

  here('is not asked for with a secret that is missing, or that others can read', async () => {
    const url = over(byToken);
    await isRefused({ url, auth: 'token', secretFile: file('open', 'secret', 0o640) }, /can be read by others/);
    await isRefused({ url, auth: 'token', secretFile: join(folder, 'nowhere') }, /cannot be read/);
    await isRefused({ url, auth: 'token', secretEnv: 'NOT_SET' }, /NOT_SET is not set/);
  });
});

test.each([
  [{ url: 'http://broker.example' }, 'url'],
  [{ url: 'nats://b', auth: 'token' }, 'auth'],
  [{ url: 'nats://b', auth: 'token', secretEnv: 'A', secretFile: '/a' }, 'auth'],
  [{ url: 'nats://b', secretEnv: 'A' }, 'auth'],
  [{ url: 'nats://b', auth: 'password', secretEnv: 'A' }, 'user'],
  [{ url: 'nats://b', auth: 'token', user: 'u', secretEnv: 'A' }, 'user'],
  [{ url: 'nats://b', auth: 'token', secretEnv: 'WRIT_TOKEN' }, 'secretEnv'],
])('the settings %j are refused at %s', (settings, path) => {
  const parsed = brokerOptions.safeParse(settings);
  expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(path);
});
