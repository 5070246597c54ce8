// Two processes of a hub and two of a spoke, each pair on one Valkey: whichever is asked, it is as if there were one.
import { afterAll, beforeAll, expect } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { RestClient } from '#client';
import { isTerminal, WritError, type AgentEvent } from '#protocol';
import { refusal, type Player } from '../support/federation.js';
import { Replicated } from '../support/replicated.js';
import { redisRequirement } from '../support/redis.js';
import { requirement } from '../support/require.js';
import { soak } from '../support/soak.js';
import { until as soon } from '../support/until.js';

const test = requirement(...redisRequirement);
let all: Replicated;
let leave: () => Promise<void> = () => Promise.resolve();
/** The process of the hub without a link, and the one with all of them. */
let far: Player;
let near: Player;

beforeAll(async () => {
  if (!redisRequirement[1]) return;
  all = await Replicated.open();
  leave = () => all.close();
  [far, near] = all.hubs;
  await all.linkedTo(1);
}, 180_000);
afterAll(() => leave(), 60_000);

const long = 'echo ready; sleep 300';
/** Ten processes on a machine that has other work too. */
const until: typeof soon = (what, look) => soon(what, look, 60_000);

test('a command that reaches one process of the hub goes over the link of the other, and so does a question', async () => {
  const heard: string[] = [];
  const over = new AbortController();
  const listening = (async () => {
    for await (const { event } of far.client.agents.events(undefined, over.signal)) heard.push(event.type);
  })();
  const { agentId } = await all.stage.spawn(far, 'acme', long);
  await all.stage.running(far, agentId);
  const live = await far.client.agents.list({ live: true, deadlineMs: 5_000 });
  expect(live).toMatchObject({ agents: [{ agentId, state: 'running' }], unanswered: [] });
  expect((await far.client.agents.diff(agentId)).text).toBe('');
  expect((await near.client.agents.get(agentId)).state).toBe('running');
  expect(await far.client.spokes.get('acme')).toMatchObject({ connected: true, liveAgents: 1, grant: { version: 1 } });
  expect((await far.client.agents.kill(agentId, 'enough', 20)).report.killed).toEqual([agentId]);
  await until('the end is heard', () => heard.includes('agent.killed') && heard.includes('agent.cleanup'));
  over.abort();
  await listening;
  expect((await far.client.commands.list({ limit: 10 })).commands.map(({ state }) => state)).toEqual([
    'delivered',
    'delivered',
  ]);
}, 180_000);

test('what is decided at one process holds at the other at once', async () => {
  const { id, key } = await far.client.keys.create({ name: 'brief', role: 'viewer' });
  await using guest = new RestClient({ url: near.instance.url, key });
  expect((await guest.agents.list()).agents).toHaveLength(1);
  await far.client.keys.revoke(id);
  expect((await refusal(guest.agents.list())).code).toBe('unauthenticated');
  await near.client.kill.all({ scope: 'all', reason: 'a drill' }, 20);
  expect((await refusal(all.stage.spawn(far, 'acme', long))).code).toBe('latched');
  await far.client.kill.reset({ scope: 'all', reason: 'it is over' });
  await far.client.spokes.suspend('acme', { reason: 'a look' });
  expect((await refusal(all.stage.spawn(near, 'acme', long))).code).toBe('connection_inactive');
  await until('both processes of the spoke know', async () => {
    const seen = await Promise.all(all.spokes.map(({ client }) => client.hubs.get('hub')));
    return seen.every(({ state }) => state === 'suspended');
  });
  await near.client.spokes.resume('acme', {});
  await all.stage.connected(far, all.spokes[0]);
}, 180_000);

test('[L-12] a process of the hub that dies in the middle of a command has it carried to its end by the other', async () => {
  const { agentId } = await all.stage.spawn(far, 'acme', `trap "" TERM; echo ready; while :; do sleep 1; done`);
  await all.stage.running(far, agentId);
  const killed = far.client.agents.kill(agentId, 'enough', 30);
  await until('the command is under way', async () => {
    const { commands } = await far.client.commands.list({ agentId, limit: 5 });
    return commands.some(({ op, state }) => op === 'agent.kill' && state === 'pending');
  });
  await near.away('SIGKILL');
  all.spread();
  expect((await killed).report).toMatchObject({ survivors: 0, failed: [] });
  await until('its end is told here too', async () => (await far.client.agents.get(agentId)).state === 'killed');
  await near.back();
}, 180_000);

test('an agent is run by one process of the spoke; whoever is asked for it asks that one', async () => {
  const [one, two] = all.spokes;
  const options = { runtime: 'claude', session: 'story' };
  const { agentId } = await all.stage.spawn(one, undefined, 'Say something.', { options });
  const afterTurn = (turn: number) =>
    until(`turn ${turn} has ended`, async () => {
      const agent = await two.client.agents.get(agentId);
      return agent.turns?.last?.turn === turn ? agent.turns.last.result?.summary : undefined;
    });
  expect(await afterTurn(1)).toBe('first');
  expect(await two.client.agents.send(agentId, 'And then?', { waitS: 30 })).toMatchObject({ turn: { turn: 2 } });
  expect(await afterTurn(2)).toBe('second');
  expect((await two.client.agents.checkpoints(agentId)).map(({ turn }) => turn)).toEqual([1, 2]);
  expect(await two.client.agents.close(agentId, {}, 30)).toMatchObject({ agent: { state: 'completed' } });
  const other = await all.stage.spawn(one, undefined, long);
  await all.stage.running(two, other.agentId);
  expect(all.stage.watch(one, 'sleep 300')).not.toEqual([]);
  expect((await two.client.agents.kill(other.agentId, 'enough')).report).toMatchObject({
    killed: [other.agentId],
    survivors: 0,
  });
  expect(all.stage.survivors()).toEqual([]);
}, 180_000);

test('[L-11] a process of the spoke that dies loses its agents to the other, which tells how they ended', async () => {
  const [one, two] = all.spokes;
  const { agentId } = await all.stage.spawn(one, undefined, long);
  await all.stage.running(one, agentId);
  all.stage.watch(one, 'sleep 300');
  await one.away('SIGKILL');
  const ended = await until('the other has ended it', async () => {
    const agent = await two.client.agents.get(agentId);
    return isTerminal(agent.state) ? agent : undefined;
  });
  expect(ended).toMatchObject({ state: 'failed', exitReason: 'spoke_restarted' });
  await until('nothing of it lives', () => all.stage.survivors().length === 0);
  expect(await two.client.agents.readOutput(agentId)).toMatchObject({
    text: '',
    dropped: ended.outputBytes,
    end: true,
  });
  await one.back();
  await until('its output can be read again', async () =>
    (await two.client.agents.readOutput(agentId)).text.includes('ready'),
  );
  await all.stage.ended(two, agentId);
}, 180_000);

/** Of either process of the hub, again and again until one answers: what a client with a list of addresses does. */
async function insist<T>(doing: (hub: Player) => Promise<T | undefined>): Promise<T> {
  for (let turn = 0; ; turn += 1) {
    const answer = await doing(all.hubs[turn % 2]!).catch((error: unknown) => {
      const isFinal =
        error instanceof WritError && !['peer_unavailable', 'timed_out', 'store_unavailable'].includes(error.code);
      if (isFinal) throw error;
    });
    if (answer !== undefined) return answer;
    await pause(100);
  }
}

test('[O-2] under load every process restarts, one after the other, and nothing is lost or done twice', async () => {
  const agents = new Map<string, 'kill' | 'run'>();
  const deadline = new AbortController();
  const story = async (worker: number) => {
    for (let n = 0; !deadline.signal.aborted; n += 1) {
      const body = all.stage.job('acme', n % 2 ? 'sleep 300' : 'echo done', { taskId: 'load' });
      const idempotencyKey = `load-${worker}-${n}`;
      const agent = await insist(async (hub) => {
        const answer = await hub.client.agents.spawn(body, { idempotencyKey, waitS: 20 });
        return 'agent' in answer ? answer.agent : undefined;
      });
      agents.set(agent.agentId, n % 2 ? 'kill' : 'run');
      await insist((hub) => hub.client.agents.get(agent.agentId));
      if (n % 2)
        await insist(async (hub) => {
          const { report, pending } = await hub.client.agents.kill(agent.agentId, 'enough', 20);
          return pending.length + report.failed.length === 0 || undefined;
        });
    }
  };
  const load = Promise.all([1, 2].map(story));
  for (let round = 0; round < (soak ? 20 : 1); round += 1)
    for (const player of [...all.hubs, ...all.spokes]) await player.restart('SIGTERM');
  deadline.abort();
  await load;
  for (const agentId of agents.keys()) await all.stage.ended(all.hubs[0], agentId, 30_000);
  const [told, journaled] = await Promise.all(
    [all.hubs[1], all.spokes[0]].map((at) => eventsOf(at, new Set(agents.keys()))),
  );
  expect(agents.size).toBeGreaterThan(6);
  for (const at of [all.hubs[0], all.spokes[0]])
    expect((await at.call('GET', '/v1/alarms')).json()).toMatchObject({ alarms: [] });
  for (const [agentId, meant] of agents) {
    const types = (journaled?.get(agentId) ?? []).map(({ type }) => type);
    expect(types.filter((type) => type === 'agent.spawned')).toHaveLength(1);
    expect(types.filter((type) => /completed|failed|killed/.test(type))).toHaveLength(1);
    if (meant === 'run') expect(types).not.toContain('agent.killed');
    expect(told?.get(agentId)?.map(({ id }) => id)).toEqual(journaled?.get(agentId)?.map(({ id }) => id));
  }
}, 600_000);

/** All that is told of these agents, by agent, up to the clean-up of each. */
async function eventsOf(at: Player, agents: ReadonlySet<string>): Promise<Map<string, AgentEvent[]>> {
  const found = new Map<string, AgentEvent[]>();
  const left = new Set(agents);
  const over = new AbortController();
  for await (const { event } of at.client.agents.events(undefined, over.signal)) {
    if (agents.has(event.subject)) found.set(event.subject, [...(found.get(event.subject) ?? []), event]);
    if (event.type === 'agent.cleanup') left.delete(event.subject);
    if (left.size === 0) break;
  }
  over.abort();
  return found;
}
