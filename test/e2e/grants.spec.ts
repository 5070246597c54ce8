// What a grant allows: kept on the spoke, in force at once, and shown to the hub. What is outside gets the rule that says no.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { GrantInput, SpawnRequestBody } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let other: Player;
let spoke: Player;
let allowed: GrantInput;

beforeAll(async () => {
  stage = await Federation.open();
  [hub, other, spoke] = await Promise.all([stage.hub('hub'), stage.hub('other'), stage.spoke('acme')]);
  allowed = stage.grant({
    agentTypes: ['worker'],
    branches: ['main'],
    runtimes: ['shell'],
    concurrentMax: 2,
    limits: { wallMs: 60_000, turnsMax: 10 },
  });
  await stage.pair(hub, spoke, allowed);
  await stage.pair(other, spoke, stage.grant({ runtimes: ['shell'], concurrentMax: 1 }));
}, 60_000);
afterAll(() => stage.close(), 60_000);

const job = (change: Partial<SpawnRequestBody> = {}) => stage.job('acme', 'echo no', change);
const asking = (change: Partial<SpawnRequestBody>) => refusal(hub.client.agents.spawn(job(change), { waitS: 20 }));
const context = (change: object) => ({ context: { ...job().context, ...change } });

async function agentsOnSpoke(): Promise<number> {
  return (await spoke.client.agents.list({ limit: 200 })).agents.length;
}

test('[F-5] [F-7] what is outside the grant is denied with the rule and what it allows, and nothing runs', async () => {
  const before = await agentsOnSpoke();
  expect(await asking({ agentType: 'reviewer' })).toMatchObject({
    code: 'grant_denied',
    field: 'agentTypes',
    detail: expect.stringContaining('worker'),
  });
  expect(await asking(context({ repository: 'https://elsewhere.example/x' }))).toMatchObject({
    code: 'grant_denied',
    field: 'repositories',
    detail: expect.stringContaining(stage.repository),
  });
  expect(await asking(context({ branch: 'release' }))).toMatchObject({ code: 'grant_denied', field: 'branches' });
  expect(await asking({ options: { runtime: 'claude' } })).toMatchObject({
    code: 'grant_denied',
    field: 'runtimes',
    detail: expect.stringContaining('shell'),
  });
  expect(await asking({ options: {} })).toMatchObject({ code: 'grant_denied', field: 'runtimes' });
  expect(await asking({ options: { runtime: 'shell', limits: { wallMs: 60_001 } } })).toMatchObject({
    code: 'grant_denied',
    field: 'limits.wallMs',
    detail: expect.stringContaining('60000'),
  });
  expect(await asking({ options: { runtime: 'shell', limits: { turnsMax: 11 } } })).toMatchObject({
    code: 'grant_denied',
    field: 'limits.turnsMax',
  });
  expect(await agentsOnSpoke()).toBe(before);
});

test('[F-7] the executing side’s floor wins: a weaker sandbox than granted is denied', async () => {
  if (stage.sandbox === 'none') return;
  expect(await asking({ options: { runtime: 'shell', sandbox: 'none' } })).toMatchObject({
    code: 'grant_denied',
    field: 'sandbox',
  });
});

test('[F-5] less than granted may be asked for, and the limits that hold are shown', async () => {
  const { agentId } = await stage.spawn(hub, 'acme', 'echo yes', {
    options: { runtime: 'shell', limits: { wallMs: 30_000 } },
  });
  const agent = await stage.ended(hub, agentId);
  expect(agent).toMatchObject({ state: 'completed', limits: { wallMs: 30_000, turnsMax: 10 } });
});

test('[S-1] concurrency counts live agents only, per connection, and frees a place at the end', async () => {
  const ids = await Promise.all(
    [1, 2].map(async () => (await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86405')).agentId),
  );
  expect(await asking({})).toMatchObject({ code: 'capacity', detail: expect.stringContaining('2') });
  const theirs = await stage.spawn(other, 'acme', 'echo ready; exec sleep 86405');
  expect(await refusal(other.client.agents.spawn(job(), { waitS: 20 }))).toMatchObject({ code: 'capacity' });
  await hub.client.agents.kill(ids[0]!, 'make place', 30);
  const { agentId } = await stage.spawn(hub, 'acme', 'echo third');
  expect((await stage.ended(hub, agentId)).state).toBe('completed');
  await hub.client.agents.kill(ids[1]!, 'done', 30);
  await other.client.agents.kill(theirs.agentId, 'done', 30);
});

test('[F-12] two hubs of one spoke see, count and kill only their own', async () => {
  const mine = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86405');
  const theirs = await stage.spawn(other, 'acme', 'echo ready; exec sleep 86405');
  await Promise.all([stage.running(hub, mine.agentId), stage.running(other, theirs.agentId)]);
  const idsOf = async (at: Player) =>
    (await at.client.agents.list({ limit: 200 })).agents.map(({ agentId }) => agentId);
  expect(await idsOf(hub)).not.toContain(theirs.agentId);
  expect(await idsOf(other)).not.toContain(mine.agentId);
  expect(await idsOf(spoke)).toEqual(expect.arrayContaining([mine.agentId, theirs.agentId]));
  expect(await refusal(other.client.agents.get(mine.agentId))).toMatchObject({ code: 'not_found' });
  expect(await refusal(other.client.agents.kill(mine.agentId, 'not yours'))).toMatchObject({ code: 'not_found' });
  const { report } = await other.client.kill.all({ reason: 'only mine' }, 30);
  expect(report.killed).toEqual([theirs.agentId]);
  expect((await hub.client.agents.get(mine.agentId)).state).toBe('running');
  await other.client.kill.reset({ reason: 'go on' });
  expect((await hub.client.spokes.get('acme')).liveAgents).toBe(1);
  await hub.client.agents.kill(mine.agentId, 'done', 30);
});

test('[F-5] a narrowed grant is in force at once, also against a hub that does not know it yet, and its version is shown', async () => {
  const before = await spoke.client.hubs.grant('hub');
  const live = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86405');
  await stage.running(hub, live.agentId);
  const narrowed = { ...before.grant, operations: before.grant.operations.filter((op) => op !== 'agent.spawn') };
  const after = await spoke.client.hubs.setGrant('hub', { grant: narrowed });
  expect(await asking({})).toMatchObject({ code: 'grant_denied', field: 'operations' });
  expect(after.version).toBe(before.version + 1);
  await until('the hub shows it', async () => (await hub.client.spokes.get('acme')).grant?.version === after.version);
  expect((await hub.client.spokes.get('acme')).grant?.grant.operations).not.toContain('agent.spawn');
  const { report } = await hub.client.agents.kill(live.agentId, 'kill is still granted', 30);
  expect(report.killed).toEqual([live.agentId]);
  expect((await other.client.spokes.get('acme')).grant?.grant.operations).toContain('agent.spawn');
  await spoke.client.hubs.setGrant('hub', { grant: before.grant });
  expect((await stage.ended(hub, (await stage.spawn(hub, 'acme', 'echo again')).agentId)).state).toBe('completed');
});

test('[F-5] a grant with an unknown field, or edited on an old version, changes nothing', async () => {
  const before = await spoke.client.hubs.grant('hub');
  const put = (body: object, tag = `"${before.version}"`) =>
    spoke.call('PUT', '/v1/hubs/hub/grant', body, { 'if-match': tag });
  expect((await put({ grant: { ...before.grant, sudo: true } })).json()).toMatchObject({
    status: 400,
    field: 'grant.sudo',
  });
  expect((await put({ grant: { ...before.grant, operations: ['agent.*'] } })).json()).toMatchObject({ status: 400 });
  expect((await put({ grant: before.grant }, `"${before.version - 1}"`)).json()).toMatchObject({
    ...{ status: 409, code: 'conflict', field: 'If-Match' },
    next: expect.stringContaining('Read it again'),
  });
  expect((await spoke.call('PUT', '/v1/hubs/hub/grant', { grant: before.grant })).json()).toMatchObject({
    ...{ status: 400, field: 'If-Match' },
  });
  expect(await spoke.client.hubs.grant('hub')).toEqual(before);
});

test('a dry run says what an edit would do to the hub and to agents that run; they keep their limits, operations narrow at once', async () => {
  const live = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86405');
  await stage.running(hub, live.agentId);
  const { version, grant } = await spoke.client.hubs.grant('hub');
  const operations = grant.operations.filter((op) => op !== 'agent.kill');
  const narrower = { grant: { ...grant, operations, limits: { wallMs: 10_000 } }, reason: 'a trial' };
  const looked = await spoke.client.hubs.setGrant('hub', narrower, { version, dryRun: true });
  expect(looked).toMatchObject({ dryRun: true, version, running: { agents: 1 } });
  expect(looked.changes).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ field: 'operations', effect: 'less', from: 'at_once' }),
      expect.objectContaining({ field: 'limits.wallMs', effect: 'less', from: 'next_spawn' }),
    ]),
  );
  expect((await spoke.client.hubs.grant('hub')).version).toBe(version);
  const set = await spoke.client.hubs.setGrant('hub', narrower, { version });
  expect(set).toMatchObject({
    dryRun: false,
    version: version + 1,
    changes: looked.changes,
    edited: { reason: 'a trial' },
  });
  expect(await refusal(hub.client.agents.kill(live.agentId, 'no longer granted', 20))).toMatchObject({
    code: 'grant_denied',
  });
  expect((await spoke.client.agents.get(live.agentId)).limits).toMatchObject({ wallMs: 60_000 });
  await spoke.client.hubs.setGrant('hub', { grant });
  await hub.client.agents.kill(live.agentId, 'done', 30);
});

test('of two admins who edit the same version one is refused and told so, and neither overwrites the other', async () => {
  const { version, grant } = await spoke.client.hubs.grant('hub');
  const edits = [3, 4].map((concurrentMax) =>
    spoke.client.hubs.setGrant('hub', { grant: { ...grant, concurrentMax } }, { version }),
  );
  const ends = await Promise.allSettled(edits);
  expect(ends.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
  const [refused] = ends.filter((end) => end.status === 'rejected');
  expect(refused?.reason).toMatchObject({ code: 'conflict' });
  expect((await spoke.client.hubs.grant('hub')).version).toBe(version + 1);
  await spoke.client.hubs.setGrant('hub', { grant });
});
