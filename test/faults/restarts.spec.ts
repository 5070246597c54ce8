// Processes that end in the middle of a run, as admins and power cuts end them: nothing is lost, told twice, or left behind.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { isTerminal } from '#protocol';
import { Federation, type Player } from '../support/federation.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let spoke: Player;

beforeAll(async () => {
  stage = await Federation.open();
  [hub, spoke] = await Promise.all([stage.hub(), stage.spoke('acme')]);
  await stage.pair(hub, spoke);
}, 120_000);
afterAll(() => stage.close(), 60_000);

/** Ids of all agent events as this instance tells them, up to where `enough` is satisfied. */
async function eventsOf(at: Player, agentId: string, deadlineMs = 20_000) {
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(), deadlineMs);
  const seen: { id: string; type: string }[] = [];
  try {
    for await (const { event } of at.client.agents.events(undefined, over.signal)) {
      if (event.subject !== agentId) continue;
      seen.push({ id: event.id, type: event.type });
      if (event.type === 'agent.cleanup') return seen;
    }
  } catch (error) {
    if (!over.signal.aborted) throw error;
  } finally {
    clearTimeout(timer);
    over.abort();
  }
  throw new Error(`the events of ${agentId} did not end: ${JSON.stringify(seen)}`);
}

/** Same events in the same order on both sides, none twice. */
async function bothTellTheSame(agentId: string): Promise<void> {
  const [atHub, atSpoke] = await Promise.all([eventsOf(hub, agentId), eventsOf(spoke, agentId)]);
  expect(new Set(atHub.map(({ id }) => id)).size).toBe(atHub.length);
  expect(atHub).toEqual(atSpoke);
}

const chatty = (count: number) =>
  `n=0; while [ $n -lt ${count} ]; do n=$((n+1)); echo "line $n"; sleep 0.05; done; echo ready; exec sleep 86407`;
const identityOf = async (at: Player) => (await at.client.instance()).id;

test.each(['SIGTERM', 'SIGKILL'] as const)(
  '[L-11] [S-6] [L-12] [F-14] a spoke that ends by %s in the middle of a run says what became of it, and leaves nothing',
  async (how) => {
    const before = await identityOf(spoke);
    const { agentId } = await stage.spawn(hub, 'acme', chatty(20));
    await stage.running(hub, agentId, 'line 3');
    expect(stage.watch(spoke, '86407').length).toBeGreaterThan(0);
    await spoke.away(how);
    await until('its processes are gone', () => stage.survivors().length === 0);
    await spoke.back();
    await stage.connected(hub, spoke);
    const [atHub, atSpoke] = await Promise.all([stage.ended(hub, agentId), stage.ended(spoke, agentId)]);
    expect(atHub).toMatchObject({ state: 'failed', exitReason: how === 'SIGTERM' ? 'shutdown' : 'spoke_restarted' });
    expect(atSpoke).toMatchObject({ state: 'failed', exitReason: atHub.exitReason });
    expect(await identityOf(spoke)).toBe(before);
    expect((await hub.client.spokes.get('acme')).liveAgents).toBe(0);
    expect(stage.worktrees(spoke, agentId)).toEqual([]);
    await bothTellTheSame(agentId);
    expect((await hub.client.agents.readOutput(agentId)).text).toContain('line 3');
  },
  120_000,
);

test('[S-6] a spoke that is told to stop stops in time, with the agents recorded as ended before it goes', async () => {
  const { agentId } = await stage.spawn(hub, 'acme', 'trap "" TERM; echo ready; while :; do sleep 86407; done');
  await stage.running(hub, agentId);
  stage.watch(spoke, '86407');
  const started = performance.now();
  expect(await spoke.instance.stop()).toBe(0);
  expect(performance.now() - started).toBeLessThan(15_000);
  expect(stage.survivors()).toEqual([]);
  await spoke.back();
  expect(await spoke.client.agents.get(agentId)).toMatchObject({ state: 'failed', exitReason: 'shutdown' });
  await stage.connected(hub, spoke);
  await bothTellTheSame(agentId);
}, 120_000);

test('[O-2] [F-13] [F-14] a hub that is killed in the middle of a run misses nothing, and the agent goes on', async () => {
  const before = await identityOf(hub);
  const { agentId } = await stage.spawn(hub, 'acme', chatty(60));
  await stage.running(hub, agentId, 'line 3');
  await hub.restart('SIGKILL', async () => {
    await until('the agent has said more meanwhile', async () =>
      (await spoke.client.agents.readOutput(agentId)).text.includes('line 40'),
    );
  });
  await stage.connected(hub, spoke);
  expect(await identityOf(hub)).toBe(before);
  await stage.running(hub, agentId);
  const { text } = await hub.client.agents.readOutput(agentId);
  expect(text.split('\n').filter((line) => line.startsWith('line'))).toEqual(
    Array.from({ length: 60 }, (_none, n) => `line ${n + 1}`),
  );
  const { report } = await hub.client.agents.kill(agentId, 'seen enough', 30);
  expect(report).toMatchObject({ killed: [agentId], survivors: 0 });
  await stage.ended(hub, agentId);
  await bothTellTheSame(agentId);
}, 120_000);

test('[L-12] what ends while the hub is away is told when it is back', async () => {
  const { agentId } = await stage.spawn(hub, 'acme', 'sleep 1; echo done');
  await hub.restart('SIGKILL', async () => {
    expect((await stage.ended(spoke, agentId)).state).toBe('completed');
  });
  expect((await stage.ended(hub, agentId)).state).toBe('completed');
  await bothTellTheSame(agentId);
}, 120_000);

test('[L-11] [L-12] both killed at once in the middle of many spawns: every agent has one end, and the same on both sides', async () => {
  const spawns = Array.from({ length: 8 }, (_none, n) =>
    stage.spawn(hub, 'acme', 'echo ready; exec sleep 86408', { taskId: `many-${n}` }).catch(() => undefined),
  );
  await until('some run', async () => (await spoke.client.agents.list({ state: ['running'] })).agents.length >= 2);
  stage.watch(spoke, '86408');
  await Promise.all([hub.away('SIGKILL'), spoke.away('SIGKILL')]);
  await Promise.all(spawns);
  await Promise.all([hub.back(), spoke.back()]);
  await stage.connected(hub, spoke);
  await until(
    'no command is open',
    async () => (await hub.client.commands.list({ state: 'pending' })).commands.length === 0,
    60_000,
  );
  await hub.client.kill.all({ reason: 'the end of the story' }, 30);
  await hub.client.kill.reset({ reason: 'the next story' });
  const agents = await until(
    'all have ended',
    async () => {
      const { agents } = await spoke.client.agents.list({ limit: 200 });
      return agents.every(({ state, cleanup }) => isTerminal(state) && cleanup) ? agents : undefined;
    },
    60_000,
  );
  const many = agents.filter(({ taskId }) => taskId.startsWith('many-'));
  for (const { agentId, state } of many)
    expect([agentId, (await stage.ended(hub, agentId)).state]).toEqual([agentId, state]);
  for (const { agentId } of many) await bothTellTheSame(agentId);
  expect(new Set(many.map(({ taskId }) => taskId)).size).toBe(many.length);
  expect(many.flatMap(({ agentId }) => stage.worktrees(spoke, agentId))).toEqual([]);
  expect(stage.survivors()).toEqual([]);
}, 120_000);
