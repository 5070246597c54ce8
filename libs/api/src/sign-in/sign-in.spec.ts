// Sessions of people in browsers, over real HTTP, without a browser: what a cookie opens, and what it does not.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ApiKeyCreated, Role, SessionResource } from '#protocol';
import { openSqliteStore, ChainedLog } from '#store';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { caller } from '../../../../test/support/call.js';
import { startTinyApi, type TinyApi } from '../../../../test/support/tiny-api.js';
import { Acts } from '../acts.js';
import { ApiKeys } from '../keys/api-keys.js';
import { Sessions } from './sessions.js';

let api: TinyApi;
beforeAll(async () => void (api = await startTinyApi()));
afterAll(async () => api[Symbol.asyncDispose]());

const ours = { 'sec-fetch-site': 'same-origin' };
const call = () => caller(api.url);

async function signedIn(key: string) {
  const answer = await call()('POST', '/v1/session', { key }, ours);
  const { session } = answer.json() as SessionResource;
  const cookie = String(answer.headers['set-cookie']).split(';')[0]!;
  return { answer, cookie, csrf: session!.csrf, asking: { ...ours, cookie, 'writ-csrf': session!.csrf } };
}

async function keyOf(role: Role): Promise<ApiKeyCreated> {
  return (await caller(api.url, api.adminKey)('POST', '/v1/keys', { name: role, role })).json() as ApiKeyCreated;
}

describe('a session', () => {
  test('opens what its key opens, says whose it is, and its cookie is out of reach of scripts and other sites', async () => {
    const { answer, asking } = await signedIn(api.adminKey);
    expect(answer.status).toBe(201);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['set-cookie']).toMatch(
      /^writ_spoke_tiny=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43\d{3}$/,
    );
    expect((await call()('GET', '/v1/keys', undefined, asking)).status).toBe(200);
    const who = (await call()('GET', '/v1/session', undefined, asking)).json();
    expect(who).toMatchObject({ key: { name: 'first', role: 'admin' }, instance: { role: 'spoke', name: 'tiny' } });
  });

  test('a role holds in a session as it does with the key', async () => {
    const { asking } = await signedIn((await keyOf('viewer')).key);
    expect((await call()('GET', '/v1/agents', undefined, asking)).status).toBe(200);
    const refused = await call()('POST', '/v1/kill', { reason: 'no' }, asking);
    expect(refused.json()).toMatchObject({ status: 403, code: 'forbidden' });
  });

  test('ends with its key, at once, and by signing out', async () => {
    const made = await keyOf('operator');
    const [one, other] = [await signedIn(made.key), await signedIn(api.adminKey)];
    expect((await caller(api.url, api.adminKey)('DELETE', `/v1/keys/${made.id}`)).status).toBe(204);
    const over = await call()('GET', '/v1/agents', undefined, one.asking);
    expect(over.json()).toMatchObject({ status: 401, code: 'session_ended' });
    const out = await call()('DELETE', '/v1/session', undefined, other.asking);
    expect(out.status).toBe(204);
    expect(out.headers['set-cookie']).toContain('Max-Age=0');
    expect((await call()('GET', '/v1/session', undefined, other.asking)).json()).toMatchObject({
      code: 'session_ended',
    });
  });

  test('over TLS its cookie is bound to the host', async () => {
    await using behind = await startTinyApi({ publicUrl: 'https://writ.example.org' });
    const answer = await caller(behind.url)('POST', '/v1/session', { key: behind.adminKey }, ours);
    expect(answer.headers['set-cookie']).toMatch(/^__Host-writ_spoke_tiny=.*; Secure$/);
  });

  test('a key of its own says who it is too, without a session', async () => {
    const who = (await caller(api.url, api.adminKey)('GET', '/v1/session')).json();
    expect(who).toMatchObject({ key: { role: 'admin' } });
    expect(who).not.toHaveProperty('session');
  });
});

describe('a cookie alone', () => {
  test('changes nothing: the page has to show the token of the session, and to be of this instance', async () => {
    const { cookie, csrf, asking } = await signedIn(api.adminKey);
    const kill = (headers: Record<string, string>) => call()('POST', '/v1/kill', { reason: 'stop' }, headers);
    const { host } = new URL(api.url);
    const forged: Record<string, string>[] = [
      { cookie, ...ours },
      { cookie, ...ours, 'writ-csrf': csrf.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')) },
      { cookie, 'writ-csrf': csrf },
      { cookie, 'writ-csrf': csrf, 'sec-fetch-site': 'same-site' },
      { cookie, 'writ-csrf': csrf, 'sec-fetch-site': 'cross-site', origin: `http://${host}` },
      { cookie, 'writ-csrf': csrf, origin: 'http://evil.example' },
      { cookie, 'writ-csrf': csrf, origin: 'null' },
    ];
    for (const headers of forged)
      expect((await kill(headers)).json()).toMatchObject({ status: 403, code: 'cross_site' });
    expect((await kill({ cookie, 'writ-csrf': csrf, origin: `http://${host}` })).status).toBe(200);
    expect((await kill(asking)).status).toBe(200);
    await call()('POST', '/v1/kill/reset', { reason: 'go' }, asking);
  });

  test('of another page reads nothing either', async () => {
    const { cookie } = await signedIn(api.adminKey);
    for (const site of ['same-site', 'cross-site'])
      expect((await call()('GET', '/v1/agents', undefined, { cookie, 'sec-fetch-site': site })).status).toBe(403);
  });

  test('a made-up one opens nothing', async () => {
    for (const token of ['', 'x', 'A'.repeat(43), '../keys'])
      expect(
        (await call()('GET', '/v1/agents', undefined, { ...ours, cookie: `writ_spoke_tiny=${token}` })).status,
      ).toBe(401);
  });
});

describe('signing in', () => {
  test('with a wrong key says no more than that, and no key gets into the log', async () => {
    const wrong = api.adminKey.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A'));
    const answer = await call()('POST', '/v1/session', { key: wrong }, ours);
    expect(answer.json()).toMatchObject({ status: 401, code: 'unauthenticated' });
    expect(answer.headers).not.toHaveProperty('set-cookie');
    expect(api.lines.join('')).not.toContain(wrong);
  });

  test('of another site is refused, and so is trying without end', async () => {
    await using other = await startTinyApi();
    const attempt = (headers: Record<string, string>) =>
      caller(other.url)('POST', '/v1/session', { key: other.adminKey }, headers);
    expect((await attempt({ origin: 'http://evil.example' })).json()).toMatchObject({ code: 'cross_site' });
    const statuses: number[] = [];
    for (let i = 0; i < 32; i++)
      statuses.push((await attempt({ ...ours, 'x-forwarded-for': `203.0.113.${i}` })).status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(30);
    expect((await attempt(ours)).json()).toMatchObject({ code: 'rate_limited', retryAfterMs: expect.any(Number) });
  });
});

test('unused it ends after its time, used it ends after the longest', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'writ-sessions-'));
  const store = await openSqliteStore({ path: join(dir, 'store.db') });
  let clock = Date.UTC(2026, 0, 1);
  const now = () => clock;
  const keys = new ApiKeys(store, new Acts(new ChainedLog(store, ['acts'])), now);
  const sessions = new Sessions(store, keys, { sessionMs: 43_200_000, idleMs: 3_600_000 }, now);
  const key = (await keys.first())!.key;
  const [used, unused] = [await sessions.open(key), await sessions.open(key)];
  for (let hour = 0.5; hour < 12; hour += 0.5) {
    clock = Date.UTC(2026, 0, 1) + hour * 3_600_000;
    expect((await sessions.find(used.token)).key.role).toBe('admin');
    if (hour >= 1) await expect(sessions.find(unused.token)).rejects.toMatchObject({ code: 'session_ended' });
  }
  clock = Date.UTC(2026, 0, 1) + 43_200_000;
  await expect(sessions.find(used.token)).rejects.toMatchObject({ code: 'session_ended' });
  await store.close();
  await rm(dir, { recursive: true });
});
