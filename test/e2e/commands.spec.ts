// Spawn commands from the request to their known end: once however often asked, and honest about what is not known.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AgentResource, Command } from '#protocol';
import { agentIdOf } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { Tap } from '../support/tap.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let near: Player;
let far: Player;
let farConnection: string;
const tap = new Tap();

beforeAll(async () => {
  stage = await Federation.open();
  const publicUrl = await tap.open();
  stage.afterwards(() => tap.close());
  [hub, near, far] = await Promise.all([
    stage.hub('hub', { publicUrl, commands: { spawnMs: 12_000 } }),
    stage.spoke('near'),
    stage.spoke('far'),
  ]);
  tap.aim(hub.instance.url);
  await stage.pair(hub, near);
  farConnection = await stage.pair(hub, far);
}, 120_000);
afterAll(() => stage.close(), 60_000);

const send = (body: object, headers: Record<string, string> = {}) => hub.call('POST', '/v1/agents', body, headers);
const ended = (id: string, state: Command['state'], deadlineMs = 25_000) =>
  until(
    `command ${id} is ${state}`,
    async () => {
      const command = await hub.client.commands.get(id);
      return command.state === state ? command : undefined;
    },
    deadlineMs,
  );

/** Messages with this task that left for that spoke, whatever became of them. */
const sentTo = (connection: string, taskId: string) =>
  tap.frames.filter(({ direction, text }) => {
    const payload = Buffer.from(text.split('.')[1] ?? '', 'base64url').toString();
    return direction === 'to-spoke' && payload.includes(connection) && payload.includes(`"${taskId}"`);
  });

test('[S-8] the same idempotency key a hundred times at once makes one agent, and every answer names it', async () => {
  const job = stage.job('near', 'echo once', { taskId: 'hundred' });
  const headers = { 'idempotency-key': 'hundred-times', prefer: 'wait=20' };
  const answers = await Promise.all(Array.from({ length: 100 }, () => send(job, headers)));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 201));
  const ids = new Set(answers.map((answer) => (answer.json() as AgentResource).agentId));
  const { connectionId } = await hub.client.spokes.get('near');
  expect([...ids]).toEqual([agentIdOf(connectionId, 'hundred-times')]);
  const onSpoke = await near.client.agents.list({ taskId: 'hundred', limit: 200 });
  expect(onSpoke.agents.map(({ agentId }) => agentId)).toEqual([...ids]);
  expect((await send(job, headers)).status).toBe(201);
  expect((await near.client.agents.list({ taskId: 'hundred' })).agents.length).toBe(1);
});

test('[S-8] the same key for something else is a conflict, and nothing more is spawned', async () => {
  const headers = { 'idempotency-key': 'one-key', prefer: 'wait=20' };
  expect((await send(stage.job('near', 'echo a', { taskId: 'conflict' }), headers)).status).toBe(201);
  const other = await send(stage.job('near', 'echo b', { taskId: 'conflict' }), headers);
  expect(other.json()).toMatchObject({ status: 409, code: 'idk_conflict' });
  expect((await near.client.agents.list({ taskId: 'conflict' })).agents.length).toBe(1);
});

test('[S-8] a spoke’s own spawns are idempotent too', async () => {
  const job = stage.job(undefined, 'echo own', { taskId: 'own' });
  const headers = { 'idempotency-key': 'own-key' };
  const answers = await Promise.all([1, 2, 3, 4].map(() => near.call('POST', '/v1/agents', job, headers)));
  expect(new Set(answers.map((answer) => (answer.json() as AgentResource).agentId)).size).toBe(1);
  const other = await near.call('POST', '/v1/agents', { ...job, taskId: 'else' }, headers);
  expect(other.json()).toMatchObject({ status: 409, code: 'idk_conflict' });
});

test('whoever waits for nothing gets 202, a place to look, and a command that ends delivered', async () => {
  const answer = await send(stage.job('near', 'echo later'), { prefer: 'wait=0' });
  expect(answer.status).toBe(202);
  const { commandId, agentId, state } = answer.json() as { commandId: string; agentId: string; state: string };
  expect(state).toBe('pending');
  expect(answer.headers.location).toBe(`/v1/commands/${commandId}`);
  const command = await ended(commandId, 'delivered');
  expect(command).toMatchObject({ op: 'agent.spawn', spoke: 'near', agentId });
  expect((await hub.client.agents.get(agentId)).agentId).toBe(agentId);
  expect((await stage.ended(hub, agentId)).state).toBe('completed');
}, 120_000);

test('a spoke that is away gets its command when it is back', async () => {
  await far.away('SIGTERM');
  await until('the hub has noticed', async () => !(await hub.client.spokes.get('far')).connected);
  const answer = await send(stage.job('far', 'echo back', { taskId: 'away' }), { prefer: 'wait=0' });
  expect(answer.status).toBe(202);
  const { commandId, agentId } = answer.json() as { commandId: string; agentId: string };
  expect((await hub.client.commands.get(commandId)).state).toBe('pending');
  await far.back();
  await ended(commandId, 'delivered');
  expect((await stage.ended(hub, agentId)).state).toBe('completed');
  expect((await far.client.agents.list({ taskId: 'away' })).agents.length).toBe(1);
  expect(sentTo(farConnection, 'away')).toHaveLength(1);
}, 120_000);

test('a command whose time was over while its spoke was away ends as never sent, and is not sent afterwards', async () => {
  await far.away('SIGTERM');
  await until('the hub has noticed', async () => !(await hub.client.spokes.get('far')).connected);
  const answer = await send(stage.job('far', 'echo never', { taskId: 'never' }), { prefer: 'wait=0' });
  const { commandId } = answer.json() as { commandId: string };
  const command = await ended(commandId, 'failed');
  expect(command.problem).toMatchObject({ code: 'peer_unavailable' });
  expect(command.problem?.detail).toContain('never sent');
  expect(command.answeredAt).toBeUndefined();
  await far.back();
  await stage.connected(hub, far);
  expect((await far.client.agents.list({ taskId: 'never' })).agents).toEqual([]);
  expect(sentTo(farConnection, 'never')).toEqual([]);
}, 120_000);

test('a lost answer: timed out at first, settled by the journal when it comes', async () => {
  tap.mute('to-hub');
  const answer = await send(stage.job('far', 'echo heard', { taskId: 'lost' }), { prefer: 'wait=0' });
  const { commandId, agentId } = answer.json() as { commandId: string; agentId: string };
  await until('the spoke runs it', async () => (await refusal(far.client.agents.get(agentId))).code === 'ok');
  await ended(commandId, 'timed_out');
  tap.unmute();
  tap.cut();
  await ended(commandId, 'delivered', 30_000);
  expect((await stage.ended(hub, agentId)).state).toBe('completed');
  expect((await far.client.agents.list({ taskId: 'lost' })).agents.length).toBe(1);
  expect(tap.carries(farConnection)).toBe(true);
}, 120_000);

test('a spawn to a suspended connection is refused at once, and a kill of a spawn that is on its way wins', async () => {
  await hub.client.spokes.suspend('near');
  expect(await refusal(hub.client.agents.spawn(stage.job('near', 'echo no')))).toMatchObject({
    code: 'connection_inactive',
  });
  await hub.client.spokes.resume('near');
  await stage.connected(hub, near);
  await far.away('SIGTERM');
  await until('the hub has noticed', async () => !(await hub.client.spokes.get('far')).connected);
  const answer = await send(stage.job('far', 'echo ready; exec sleep 86406', { taskId: 'overtaken' }), {
    prefer: 'wait=0',
  });
  const { commandId, agentId } = answer.json() as { commandId: string; agentId: string };
  const killed = await hub.client.agents.kill(agentId, 'changed my mind', 0);
  expect(killed.pending.length).toBe(1);
  await far.back();
  await ended(killed.pending[0]!.commandId, 'delivered');
  await until('nothing of it lives', async () => {
    const { agents } = await far.client.agents.list({ taskId: 'overtaken' });
    return agents.every(({ state }) => state === 'killed');
  });
  expect(await hub.client.commands.get(commandId)).toMatchObject({ state: 'failed', problem: { code: 'killed' } });
  expect(sentTo(farConnection, 'overtaken')).toEqual([]);
  expect(stage.watch(far, 'sleep 86406')).toEqual([]);
}, 120_000);
