// Keys, roles and rates over real HTTP.
import { describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newApiKey } from '#protocol';
import type { ApiKeyCreated } from '#protocol';
import { ChainedLog, openSqliteStore } from '#store';
import { caller } from '../../../../test/support/call.js';
import { startTinyApi } from '../../../../test/support/tiny-api.js';
import { Acts, type Act } from '../acts.js';
import { ApiKeys } from './api-keys.js';

const spawn = {
  taskId: 'task-1',
  agentType: 'worker',
  context: { repository: 'https://example.org/repo.git', branch: 'main', workItems: ['mend the sum'] },
};

async function folder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'writ-keys-'));
}

describe('API keys', () => {
  test('without a valid key nothing opens, and nothing says why', async () => {
    await using api = await startTinyApi();
    const wrong = api.adminKey.replace(/.$/, (last) => (last === 'A' ? 'E' : 'A'));
    for (const key of [undefined, '', 'writ_x', newApiKey(), wrong, `${api.adminKey}A`]) {
      const answer = await caller(api.url, key)('GET', '/v1/agents');
      expect(answer).toMatchObject({ status: 401, headers: { 'www-authenticate': 'Bearer' } });
    }
    expect((await caller(api.url)('POST', '/v1/agents', '{broken')).status).toBe(401);
  });

  test('the first start makes one admin key, keeps only its hash, and the next start makes none', async () => {
    const stateDir = await folder();
    const first = await startTinyApi({ stateDir });
    const secret = first.adminKey.slice(-43);
    expect(secret).toHaveLength(43);
    await first.close();
    for (const file of (await readdir(stateDir)).filter((name) => name.startsWith('store')))
      expect((await readFile(join(stateDir, file))).includes(secret)).toBe(false);
    await rm(join(stateDir, 'cli.key'));
    const second = await startTinyApi({ stateDir });
    expect(second.adminKey).toBe('');
    expect((await caller(second.url, first.adminKey)('GET', '/v1/keys')).status).toBe(200);
    expect(await readdir(stateDir)).not.toContain('cli.key');
    await second.close();
    await rm(stateDir, { recursive: true });
  });

  test('the command line finds url and key in the state folder, readable by the owner only', async () => {
    await using api = await startTinyApi();
    const instance = JSON.parse(await readFile(join(api.stateDir, 'instance.json'), 'utf8')) as unknown;
    expect(instance).toEqual({ url: api.url, role: 'spoke', name: 'tiny', pid: process.pid });
    expect((await readFile(join(api.stateDir, 'cli.key'), 'utf8')).trim()).toBe(api.adminKey);
    for (const file of ['cli.key', 'instance.json'])
      expect((await stat(join(api.stateDir, file))).mode & 0o777).toBe(0o600);
    await api.close();
    expect(await readdir(api.stateDir)).not.toContain('instance.json');
  });

  test('roles open what they name and no more', async () => {
    await using api = await startTinyApi();
    const admin = caller(api.url, api.adminKey);
    const make = async (role: string) =>
      (await admin('POST', '/v1/keys', { name: role, role })).json() as ApiKeyCreated;
    const [viewer, operator] = [await make('viewer'), await make('operator')];
    expect((await caller(api.url, viewer.key)('GET', '/v1/agents')).status).toBe(200);
    for (const path of ['/v1/agents', '/v1/kill', '/v1/kill/reset'])
      expect((await caller(api.url, viewer.key)('POST', path, spawn)).json()).toMatchObject({ code: 'forbidden' });
    expect((await caller(api.url, operator.key)('POST', '/v1/agents', spawn)).status).toBe(201);
    expect((await caller(api.url, operator.key)('GET', '/v1/keys')).status).toBe(403);
    expect(api.gateway.callers).toEqual([{ actor: { kind: 'key', id: operator.id }, role: 'operator' }]);
  });

  test('a revoked key opens nothing from the next request on', async () => {
    await using api = await startTinyApi();
    const admin = caller(api.url, api.adminKey);
    const made = (await admin('POST', '/v1/keys', { name: 'ci', role: 'viewer' })).json() as ApiKeyCreated;
    const listed = (await admin('GET', '/v1/keys')).json() as { keys: object[] };
    expect(listed.keys).toHaveLength(2);
    expect(JSON.stringify(listed)).not.toMatch(/"(key|hash)":/);
    expect((await caller(api.url, made.key)('GET', '/v1/agents')).status).toBe(200);
    expect((await admin('DELETE', `/v1/keys/${made.id}`)).status).toBe(204);
    expect((await caller(api.url, made.key)('GET', '/v1/agents')).status).toBe(401);
    expect((await admin('DELETE', `/v1/keys/${made.id}`)).status).toBe(404);
  });

  test('[K-6] who made and revoked a key is in the chain of acts, in one commit with what was done, without the secret', async () => {
    const stateDir = await folder();
    const api = await startTinyApi({ stateDir });
    const admin = caller(api.url, api.adminKey);
    const made = (await admin('POST', '/v1/keys', { name: 'ci', role: 'viewer' })).json() as ApiKeyCreated;
    expect((await admin('DELETE', `/v1/keys/${made.id}`)).status).toBe(204);
    expect((await admin('DELETE', `/v1/keys/${made.id}`)).status).toBe(404);
    const actor = { kind: 'key', id: api.adminKey.split('_')[1] };
    await api.close();
    const store = await openSqliteStore({ path: join(stateDir, 'store.db') });
    const log = new ChainedLog<Act>(store, ['tiny', 'acts']);
    const detail = { name: 'ci', role: 'viewer' };
    expect((await log.read(0)).map(({ entry }) => entry)).toMatchObject([
      { act: 'key.create', subject: actor.id, actor: { kind: 'system', id: 'first-start' }, detail: { role: 'admin' } },
      { act: 'key.create', subject: made.id, actor, detail },
      { act: 'key.revoke', subject: made.id, actor, detail },
    ]);
    expect(JSON.stringify(await log.read(0))).not.toContain(made.key.slice(-43));
    expect(await log.verify()).toMatchObject({ ok: true, rows: 3 });
    await store.close();
    await rm(stateDir, { recursive: true });
  });

  test('the last use is kept to the minute and written once a minute', async () => {
    const dir = await folder();
    const store = await openSqliteStore({ path: join(dir, 'store.db') });
    let clock = Date.UTC(2026, 0, 1, 12, 0, 30);
    const keys = new ApiKeys(store, new Acts(new ChainedLog(store, ['acts'])), () => clock);
    const made = await keys.first();
    await keys.authenticate(made?.key ?? '');
    expect((await keys.list())[0]?.lastUsedAt).toBe('2026-01-01T12:00:00.000Z');
    const { version } = (await store.get(['api', 'keys', made?.id ?? '']))!;
    clock += 20_000;
    await keys.authenticate(made?.key ?? '');
    expect((await store.get(['api', 'keys', made?.id ?? '']))?.version).toBe(version);
    clock += 60_000;
    await keys.authenticate(made?.key ?? '');
    expect((await keys.list())[0]?.lastUsedAt).toBe('2026-01-01T12:01:00.000Z');
    await store.close();
    await rm(dir, { recursive: true });
  });
});

describe('who may listen where', () => {
  test('[O-5] beyond loopback without a key the instance refuses to start', async () => {
    await expect(startTinyApi({ host: '0.0.0.0' })).rejects.toMatchObject({ code: 'bind_refused', field: 'host' });
  });

  test('[O-5] with a key that was made beforehand it starts, and only that key opens', async () => {
    const adminKey = newApiKey();
    await using api = await startTinyApi({ host: '0.0.0.0', adminKey });
    expect((await caller(api.url)('GET', '/v1/agents')).status).toBe(401);
    expect((await caller(api.url, adminKey)('GET', '/v1/agents')).status).toBe(200);
  });

  test('[O-8] an admin key that was not made by Writ is refused', async () => {
    await expect(startTinyApi({ adminKey: 'changeme' })).rejects.toMatchObject({ code: 'key_invalid' });
  });
});

describe('rates', () => {
  test('[O-7] a key has one bucket, whatever address it claims, and [K-9] a kill always gets through', async () => {
    await using api = await startTinyApi({ requestsPerMinuteMax: 5 });
    const admin = caller(api.url, api.adminKey);
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) {
      const claimed = {
        'x-forwarded-for': `203.0.113.${i}`,
        forwarded: `for=203.0.113.${i}`,
        'x-real-ip': `203.0.113.${i}`,
      };
      statuses.push((await admin('GET', '/v1/agents', undefined, claimed)).status);
    }
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    const refused = await admin('GET', '/v1/agents');
    expect(refused.json()).toMatchObject({ code: 'rate_limited' });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    for (let i = 0; i < 8; i++) expect((await admin('POST', '/v1/kill', { reason: 'stop' })).status).toBe(200);
    expect((await admin('POST', '/v1/kill/reset', { reason: 'go' })).status).toBe(200);
  });

  test('one key at its limit does not slow another', async () => {
    await using api = await startTinyApi({ requestsPerMinuteMax: 3 });
    const admin = caller(api.url, api.adminKey);
    const other = (await admin('POST', '/v1/keys', { name: 'other', role: 'viewer' })).json() as ApiKeyCreated;
    for (let i = 0; i < 4; i++) await admin('GET', '/v1/agents');
    expect((await admin('GET', '/v1/agents')).status).toBe(429);
    expect((await caller(api.url, other.key)('GET', '/v1/agents')).status).toBe(200);
  });
});

test('no key is ever in a log line, and every request is in one', async () => {
  await using api = await startTinyApi();
  const admin = caller(api.url, api.adminKey);
  const made = (await admin('POST', '/v1/keys', { name: 'ci', role: 'viewer' })).json() as ApiKeyCreated;
  await admin('GET', `/v1/agents/${made.key}?secret=${made.key}`);
  await admin('GET', '/v1/agents', undefined, { 'x-request-id': '11111111-2222-3333-4444-555555555555' });
  const log = api.lines.join('');
  expect(log).not.toContain(api.adminKey);
  expect(log).not.toContain(made.key);
  const line = api.lines.filter((one) => one.includes('11111111-2222-3333-4444-555555555555'));
  expect(line).toHaveLength(1);
  expect(JSON.parse(line[0]!)).toMatchObject({
    method: 'GET',
    path: '/v1/agents',
    status: 200,
    actor: expect.stringMatching(/^key:/),
  });
});
