// A fleet of three spokes as the people of a hub mean it: by label, by load, by task; counted, and asked by a deadline.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Command, SpawnRequestBody } from '#protocol';
import { Federation, type Player } from '../support/federation.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let spokes: Player[];
const names = ['berlin', 'paris', 'tokyo'] as const;

beforeAll(async () => {
  stage = await Federation.open();
  [hub, ...spokes] = await Promise.all([stage.hub(), ...names.map((name) => stage.spoke(name))] as const);
  for (const spoke of spokes) {
    const most = spoke.name === 'paris' ? { concurrentMax: 2 } : {};
    await stage.pair(hub, spoke, stage.grant(most));
  }
  await hub.client.spokes.label('berlin', { labels: { region: 'eu', tier: 'gold' } });
  await hub.client.spokes.label('paris', { labels: { region: 'eu' }, reason: 'in the contract' });
  await hub.client.spokes.label('tokyo', { labels: { region: 'asia' } });
}, 120_000);
afterAll(() => stage.close(), 60_000);

const long = (spoke: SpawnRequestBody['spoke'], taskId: string): SpawnRequestBody => ({
  ...stage.job(undefined, 'sleep 300', { taskId }),
  spoke,
});
const spawned = async (body: SpawnRequestBody, idempotencyKey?: string) => {
  const answer = await hub.client.agents.spawn(body, { waitS: 20, ...(idempotencyKey && { idempotencyKey }) });
  if (!('agent' in answer)) throw new Error('no answer in time');
  return answer.agent;
};
const gone = (taskId: string, waitS = 30) =>
  hub.client.agents.killSelected({ select: { taskId }, reason: 'the story is told' }, waitS);
const refusal = (body: object) => hub.call('POST', '/v1/agents', body).then((answer) => answer.json() as object);

test('a label stands in the fleet, in the acts, and not in a name that was never given', async () => {
  const byName = Object.fromEntries((await hub.client.spokes.list()).map(({ name, labels }) => [name, labels]));
  expect(byName).toEqual({
    berlin: { region: 'eu', tier: 'gold' },
    paris: { region: 'eu' },
    tokyo: { region: 'asia' },
  });
  const bad = await hub.call('PUT', '/v1/spokes/tokyo/labels', { labels: { 'Bad Key': 'x' } });
  expect(bad.json()).toMatchObject({ status: 400, field: expect.stringContaining('labels') });
  expect((await hub.client.spokes.get('tokyo')).labels).toEqual({ region: 'asia' });
});

test('a spawn by label goes to the least loaded that its grant allows, and on when that one is full', async () => {
  const eu = { labels: { region: 'eu' } };
  const first = await spawned(long({ labels: { region: 'eu', tier: 'gold' } }, 'load'));
  expect(first.spoke?.name).toBe('berlin');
  // Berlin has 1 of 50, Paris 0 of 2; then 1 of 2 weighs more than 1 of 50.
  const places = [await spawned(long(eu, 'load')), await spawned(long(eu, 'load')), await spawned(long(eu, 'load'))];
  expect(places.map(({ spoke }) => spoke?.name)).toEqual(['paris', 'berlin', 'berlin']);
  expect((await spawned(long({ any: true }, 'load'))).spoke?.name).toBe('tokyo');
  await gone('load');
}, 120_000);

test('[S-8] the same request by label again, also at once, is the same agent on the same spoke', async () => {
  const body = long({ any: true }, 'once');
  const agents = await Promise.all(Array.from({ length: 8 }, () => spawned(body, 'placed-once')));
  expect(new Set(agents.map(({ agentId }) => agentId)).size).toBe(1);
  expect((await hub.client.agents.list({ taskId: 'once' })).agents).toHaveLength(1);
  await gone('once');
}, 120_000);

test('what no spoke may or can do is refused with the reason, and nothing is spawned', async () => {
  const to = (spoke: object, change: object = {}) => refusal({ ...long(undefined, 'never'), spoke, ...change });
  expect(await to({ labels: { region: 'moon' } })).toMatchObject({ code: 'spoke_unknown', field: 'spoke' });
  expect(await to({ labels: {} })).toMatchObject({ status: 400 });
  const other = { ...stage.job(undefined, 'true').context, repository: 'https://example.com/other.git' };
  const denied = await to({ any: true }, { context: other });
  expect(denied).toMatchObject({ code: 'grant_denied', detail: expect.stringContaining('repositories') });
  expect((await hub.client.agents.list({ taskId: 'never' })).agents).toEqual([]);
});

test('a kill by selection says first whom it means, then leaves none of them and all the others', async () => {
  const [here, there, other] = await Promise.all([
    spawned(long('berlin', 'wrong')),
    spawned(long('tokyo', 'wrong')),
    spawned(long('tokyo', 'right')),
  ]);
  const meant = await hub.client.agents.killSelected({ select: { taskId: 'wrong' }, reason: 'a look', dryRun: true });
  expect(new Set(meant.report.killed)).toEqual(new Set([here.agentId, there.agentId]));
  expect((await hub.client.agents.get(here.agentId)).state).not.toBe('killed');
  const asia = await hub.client.agents.killSelected(
    { select: { taskId: 'wrong', labels: { region: 'asia' } }, reason: 'wrong' },
    30,
  );
  expect(asia).toMatchObject({ report: { killed: [there.agentId], failed: [], survivors: 0 }, pending: [] });
  expect((await gone('wrong')).report.killed).toEqual([here.agentId]);
  expect((await hub.client.agents.get(other.agentId)).state).toMatch(/spawning|running/);
  expect((await hub.call('POST', '/v1/agents/kill', { select: {}, reason: 'all?' })).status).toBe(400);
  await gone('right');
}, 120_000);

test('[K-3] a spawn that waits for a spoke that is away is meant too: it does not begin when that one comes back', async () => {
  const tokyo = spokes[2]!;
  await tokyo.away('SIGTERM');
  const waiting = await hub.client.agents.spawn(long('tokyo', 'late'), { waitS: 0 });
  expect(waiting).toHaveProperty('pending');
  expect((await gone('late', 1)).pending.length).toBe(1);
  await tokyo.back();
  await stage.connected(hub, tokyo);
  const settled = async () => {
    const { commands } = await hub.client.commands.list({ spoke: 'tokyo', limit: 200 });
    return commands.every(({ state }: Command) => state !== 'pending') || undefined;
  };
  await until('everything for tokyo is settled', settled, 30_000);
  const { agents } = await tokyo.client.agents.list({ taskId: 'late' });
  expect(agents.filter(({ state }) => state === 'spawning' || state === 'running')).toEqual([]);
}, 120_000);

test('counts, a stale spoke named, and a live list that comes by its deadline without the one that is away', async () => {
  const [one, two] = [await spawned(long('berlin', 'count')), await spawned(long('paris', 'count'))];
  await until('both run', async () => (await hub.client.agents.counts()).total.running === 2 || undefined, 20_000);
  const before = await hub.client.agents.counts();
  const of = (name: string, counts = before) => counts.spokes.find((spoke) => spoke.name === name);
  expect([of('berlin')?.counts.running, of('paris')?.counts.running, of('tokyo')?.counts.running]).toEqual([1, 1, 0]);
  expect(before.total.killed).toBeGreaterThan(3);
  await spokes[1]!.away('SIGKILL');
  await until(
    'paris is missed',
    async () => of('paris', await hub.client.agents.counts())?.connected === false || undefined,
    60_000,
  );
  const known = await hub.client.agents.list({ taskId: 'count' });
  expect(new Set(known.agents.map(({ agentId }) => agentId))).toEqual(new Set([one.agentId, two.agentId]));
  expect(known.stale).toEqual([{ name: 'paris', asOf: expect.any(String) }]);
  const live = await hub.client.agents.list({ taskId: 'count', live: true, deadlineMs: 5_000 });
  expect(live.agents.map(({ agentId }) => agentId)).toEqual([one.agentId]);
  expect(live).toMatchObject({ unanswered: [{ name: 'paris' }], truncated: false });
  expect(
    (await hub.client.agents.list({ label: { tier: 'gold' } })).agents.every(({ spoke }) => spoke?.name === 'berlin'),
  ).toBe(true);
  await hub.restart('SIGTERM');
  expect((await hub.client.agents.counts()).total).toEqual(before.total);
}, 120_000);
