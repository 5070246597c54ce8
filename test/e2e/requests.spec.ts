// What people and programs may send to a hub and a spoke: whatever is wrong is refused before anything has changed.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Problem } from '#protocol';
import { caller } from '../support/call.js';
import { Federation, type Player } from '../support/federation.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let spoke: Player;
const elsewhere = 'https://git.example.com/team/repository.git';

beforeAll(async () => {
  stage = await Federation.open();
  [hub, spoke] = await Promise.all([stage.hub(), stage.spoke('acme')]);
  await stage.pair(hub, spoke, stage.grant({ repositories: [stage.repository, elsewhere] }));
}, 120_000);
afterAll(() => stage.close(), 60_000);

/** What exists on both sides: nothing of it may move when a request is refused. */
async function everything() {
  const commands = (await hub.client.commands.list({ limit: 200 })).commands.length;
  const agents = [hub, spoke].map(async ({ client }) => (await client.agents.list({ limit: 200 })).agents.length);
  return { commands, agents: await Promise.all(agents) };
}

const base = () => stage.job('acme', 'echo never');
const within = (context: object) => ({ ...base(), context: { ...base().context, ...context } });
const options = (change: object) => ({ ...base(), options: { runtime: 'shell', ...change } });

const wrong: [string, () => unknown, string][] = [
  ['a missing task', () => ({ ...base(), taskId: undefined }), 'taskId'],
  ['a task of the wrong type', () => ({ ...base(), taskId: 7 }), 'taskId'],
  ['a task of 129 characters', () => ({ ...base(), taskId: 'x'.repeat(129) }), 'taskId'],
  ['an unknown agent type', () => ({ ...base(), agentType: 'root' }), 'agentType'],
  ['no context', () => ({ ...base(), context: undefined }), 'context'],
  ['an unknown field', () => ({ ...base(), sudo: true }), 'sudo'],
  ['an unknown field deep inside', () => within({ submodules: true }), 'context.submodules'],
  ['no work items', () => within({ workItems: [] }), 'context.workItems'],
  ['a work item of 8,001 characters', () => within({ workItems: ['x'.repeat(8_001)] }), 'context.workItems[0]'],
  ['51 work items', () => within({ workItems: Array.from({ length: 51 }, () => 'x') }), 'context.workItems'],
  ['a skill with a path', () => within({ skills: ['../../etc'] }), 'context.skills[0]'],
  ['a negative limit', () => options({ limits: { wallMs: -1 } }), 'options.limits.wallMs'],
  ['a limit that is no integer', () => options({ limits: { turnsMax: 1.5 } }), 'options.limits.turnsMax'],
  ['an unknown sandbox', () => options({ sandbox: 'vm' }), 'options.sandbox'],
  ['a runtime that is a path', () => options({ runtime: '../sh' }), 'options.runtime'],
];

const hostileRepositories = [
  '--upload-pack=touch /tmp/owned',
  'ext::sh -c touch% /tmp/owned',
  'https://host/../../etc/passwd',
  'https://user:password@host/repository',
  'ssh://-oProxyCommand=touch/repository',
  'git@-oProxyCommand:repository',
  'file:///srv/../etc',
  'https://host/repository\n--upload-pack=x',
  '/etc/passwd',
];
const hostileBranches = [
  '--upload-pack=x',
  '-b',
  '../main',
  'a..b',
  'main:refs/heads/x',
  'a b',
  'HEAD',
  'x.lock',
  'a\u0000b',
];

describe('a spawn that is not as it should be', () => {
  test.each(wrong)(
    '[S-2] [S-3] %s gets a problem that names the field, and nothing has changed',
    async (_what, body, field) => {
      const before = await everything();
      const answer = await hub.call('POST', '/v1/agents', body());
      expect(answer).toMatchObject({ status: 400 });
      expect(answer.headers['content-type']).toContain('application/problem+json');
      expect(answer.json()).toMatchObject({ code: 'invalid_request', field });
      expect(await everything()).toEqual(before);
    },
  );

  test('[W-4] [F-6] hostile repositories and branches get no further than the border, on hub and spoke', async () => {
    const before = await everything();
    const bodies = [
      ...hostileRepositories.map((repository) => [{ repository }, 'context.repository'] as const),
      ...hostileBranches.map((branch) => [{ branch }, 'context.branch'] as const),
    ];
    for (const [context, field] of bodies)
      for (const at of [hub, spoke]) {
        const local = { ...within(context), spoke: undefined };
        const answer = await at.call('POST', '/v1/agents', at === hub ? within(context) : local);
        expect([context, answer.status, (answer.json() as Problem).field]).toEqual([context, 400, field]);
      }
    expect(await everything()).toEqual(before);
  });

  test('[S-2] [S-3] an unknown spoke, a missing spoke and a spoke named to a spoke', async () => {
    const before = await everything();
    const unknown = await hub.call('POST', '/v1/agents', { ...base(), spoke: 'nobody' });
    expect(unknown.json()).toMatchObject({ status: 404, code: 'spoke_unknown' });
    const missing = await hub.call('POST', '/v1/agents', { ...base(), spoke: undefined });
    expect(missing.json()).toMatchObject({ status: 400, field: 'spoke' });
    const named = await spoke.call('POST', '/v1/agents', base());
    expect(named.json()).toMatchObject({ status: 400, field: 'spoke' });
    expect(await everything()).toEqual(before);
  });

  test('[S-3] no body, bad JSON, another type and 10 MB are refused, and the instance goes on', async () => {
    const before = await everything();
    const send = (body: unknown, headers = {}) => hub.call('POST', '/v1/agents', body, headers);
    expect((await send(undefined)).status).toBe(400);
    expect((await send('{"taskId": ')).json()).toMatchObject({ status: 400, code: 'invalid_request', field: 'body' });
    expect((await send('[]')).json()).toMatchObject({ status: 400, field: 'body' });
    expect((await send('null')).json()).toMatchObject({ status: 400, field: 'body' });
    expect((await send('<a/>', { 'content-type': 'application/xml' })).status).toBeGreaterThanOrEqual(400);
    expect((await send('<a/>', { 'content-type': 'application/xml' })).status).toBeLessThan(500);
    const tenMegabytes = JSON.stringify(within({ workItems: ['x'.repeat(10_000_000)] }));
    // The answer comes before all is sent, and the socket may close under the rest.
    const huge = await until('an answer', () => send(tenMegabytes).catch(() => undefined));
    expect(huge.json()).toMatchObject({ status: 413, code: 'too_large', field: 'body' });
    expect((await send('{"__proto__":{"spoke":"acme"}}')).status).toBe(400);
    expect(await everything()).toEqual(before);
    expect(await hub.client.alive()).toBe(true);
  });

  test('[S-3] bad headers, ids, cursors and filters are named too', async () => {
    const key = await hub.call('POST', '/v1/agents', base(), { 'idempotency-key': 'x'.repeat(129) });
    expect(key.json()).toMatchObject({ status: 400, field: 'Idempotency-Key' });
    const wait = await hub.call('POST', '/v1/agents', base(), { prefer: 'wait=soon' });
    expect(wait.json()).toMatchObject({ status: 400, field: 'Prefer' });
    for (const at of [hub, spoke]) {
      expect((await at.call('GET', '/v1/agents/..%2f..%2fetc')).status).toBe(400);
      expect((await at.call('GET', '/v1/agents?limit=0')).json()).toMatchObject({ status: 400, field: 'limit' });
      expect((await at.call('GET', '/v1/agents?state=asleep')).json()).toMatchObject({ status: 400 });
      expect((await at.call('GET', '/v1/agents?owner=else')).json()).toMatchObject({ status: 400, field: 'owner' });
      expect((await at.call('GET', '/v1/agents/00000000-0000-8000-8000-000000000000')).status).toBe(404);
      expect(
        (await at.call('GET', '/v1/agents/00000000-0000-8000-8000-000000000000/output?cursor=x')).status,
      ).toBeLessThan(500);
    }
    expect((await hub.client.commands.list()).commands).toEqual([]);
  });

  test('[K-4] a kill without a reason, or of an agent that nobody knows, does nothing', async () => {
    const nobody = '/v1/agents/00000000-0000-8000-8000-000000000000/kill';
    expect((await hub.call('POST', nobody, {})).json()).toMatchObject({ status: 400, field: 'reason' });
    expect((await hub.call('POST', nobody, { reason: 'why' })).json()).toMatchObject({
      status: 404,
      code: 'not_found',
    });
    expect((await hub.call('POST', '/v1/kill', { scope: 'everything', reason: 'x' })).json()).toMatchObject({
      field: 'scope',
    });
    expect((await hub.client.kill.latches()).length).toBe(0);
  });
});

describe('roles', () => {
  /** Where nobody is known yet: they let in, or tell how. */
  const doors = ['/v1/session/ways', '/v1/session/oidc', '/v1/session/oidc/callback'];
  const isDoor = (method: string, path: string) =>
    doors.includes(path) || (method === 'POST' && path === '/v1/session');

  test('[F-8] without a key, with a wrong one, or with a token that somebody else made, nothing answers but health, the description and the doors', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: 'https://issuer.example.com', aud: 'writ', sub: 'admin', role: 'admin', exp: 4_102_444_800 };
    const tokens = ['none', 'HS256', 'RS256'].map((alg) => `${part({ alg, typ: 'JWT' })}.${part(claims)}.${part({})}`);
    for (const at of [hub, spoke]) {
      const { paths } = (await at.call('GET', '/openapi.json')).json() as { paths: Record<string, object> };
      const all = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => [method.toUpperCase() as 'GET', path.replace(/\{\w+\}/g, 'x')] as const),
      );
      const open = ([method, path]: readonly [string, string]) =>
        ['/healthz', '/readyz'].includes(path) || isDoor(method, path);
      const closed = all.filter((route) => !open(route));
      expect(all.length - closed.length).toBe(6);
      expect(closed.length).toBeGreaterThan(30);
      for (const key of [undefined, 'writ_aaaaaaaaaa_wrong', ...tokens])
        for (const [method, path] of [...closed, ['POST', '/mcp'] as const]) {
          const answer = await caller(at.instance.url, key)(method, path);
          expect([method, path, answer.status, answer.headers['www-authenticate']]).toEqual([
            method,
            path,
            401,
            'Bearer',
          ]);
          expect(answer.json()).toMatchObject({ code: 'unauthenticated' });
        }
      for (const path of ['/healthz', '/readyz', '/openapi.json'])
        expect((await caller(at.instance.url)('GET', path)).status).toBe(200);
      for (const path of doors.slice(1))
        expect((await caller(at.instance.url)('GET', path)).headers.location).toBe('/console/?refused=not_found');
      expect((await caller(at.instance.url)('POST', '/v1/session', {})).json()).toMatchObject({ code: 'cross_site' });
    }
  });

  test('a viewer looks, an operator acts, an admin decides who is here', async () => {
    const before = await everything();
    const viewer = caller(hub.instance.url, (await hub.client.keys.create({ name: 'v', role: 'viewer' })).key);
    const operator = caller(hub.instance.url, (await hub.client.keys.create({ name: 'o', role: 'operator' })).key);
    expect((await viewer('GET', '/v1/agents')).status).toBe(200);
    expect((await viewer('POST', '/v1/agents', base())).json()).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await viewer('POST', '/v1/kill', { reason: 'x' })).status).toBe(403);
    for (const call of [viewer, operator]) {
      expect((await call('POST', '/v1/invites', {})).status).toBe(403);
      expect((await call('POST', '/v1/spokes/acme/close', {})).status).toBe(403);
      expect((await call('GET', '/v1/keys')).status).toBe(403);
    }
    expect(await everything()).toEqual(before);
    expect((await hub.client.spokes.get('acme')).state).toBe('active');
  });

  test('a revoked key is worth nothing from then on', async () => {
    const { id, key } = await spoke.client.keys.create({ name: 'gone', role: 'admin' });
    const call = caller(spoke.instance.url, key);
    expect((await call('GET', '/v1/agents')).status).toBe(200);
    await spoke.client.keys.revoke(id);
    expect((await call('GET', '/v1/agents')).status).toBe(401);
  });
});

describe('an agent that has ended', () => {
  test.each(['completed', 'failed', 'killed'] as const)(
    'is the same on both sides when it %s: its end, its reason, and who had the last word',
    async (end) => {
      const script = { completed: 'echo done', failed: 'exit 3', killed: 'echo ready; exec sleep 86411' }[end];
      const { agentId } = await stage.spawn(hub, 'acme', script);
      if (end === 'killed') {
        await stage.running(hub, agentId);
        await hub.client.agents.kill(agentId, 'no longer wanted', 30);
      }
      const [atHub, atSpoke] = await Promise.all([stage.ended(hub, agentId), stage.ended(spoke, agentId)]);
      const { spoke: where, asOf, startedAt, endedAt, spawnedAt, ...told } = atHub;
      const { startedAt: started, endedAt: over, spawnedAt: spawned, ...own } = atSpoke;
      expect(told).toEqual(own);
      expect(told).toMatchObject({ state: end, reason: expect.stringMatching(/\w/), actor: expect.anything() });
      expect(where).toMatchObject({ name: 'acme' });
      for (const time of [startedAt, endedAt, spawnedAt, asOf, started, over, spawned]) expect(time).toBeDefined();
    },
    120_000,
  );
});
