// A spoke whose process hangs while its link stands: nobody else notices, everybody can see it, and it is over when it goes on.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Federation, type Player } from '../support/federation.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let hub: Player;
let well: Player;
let stuck: Player;

beforeAll(async () => {
  stage = await Federation.open();
  [hub, well, stuck] = await Promise.all([stage.hub(), stage.spoke('well'), stage.spoke('stuck')]);
  for (const spoke of [well, stuck]) await stage.pair(hub, spoke);
  stage.afterwards(() => process.kill(stuck.instance.pid, 'SIGCONT'));
}, 120_000);
afterAll(() => stage.close(), 60_000);

const circuitOf = async (name: string) => (await hub.client.spokes.get(name)).circuit;
const shown = async () => (await writ(['--on', 'hub', '--state', hub.instance.options.stateDir, 'spokes'])).out;
const asked = () => hub.client.agents.list({ live: true, deadlineMs: 1_500 });

test('[O-6] a spoke that hangs is asked no more, which all can see; the others do not notice, and it is asked again when it goes on', async () => {
  const { agentId } = await stage.spawn(hub, 'stuck', 'echo ready; exec sleep 86422');
  await stage.running(hub, agentId);
  process.kill(stuck.instance.pid, 'SIGSTOP');
  for (const { unanswered } of await Promise.all([1, 2, 3, 4, 5].map(asked)))
    expect(unanswered?.map(({ name }) => name)).toEqual(['stuck']);

  expect([await circuitOf('stuck'), await circuitOf('well')]).toEqual(['open', 'closed']);
  const refused = (await hub.call('GET', `/v1/agents/${agentId}/diff`)).json();
  expect(refused).toMatchObject({ code: 'peer_unavailable', retryAfterMs: expect.any(Number) });
  expect(await shown()).toMatch(/^stuck\tactive\tyes, does not answer\t/m);
  const waits = await hub.client.agents.spawn(stage.job('stuck', 'echo late', { taskId: 'late' }), { waitS: 0 });
  expect(waits).toMatchObject({ pending: { state: 'pending' } });

  const next = await stage.spawn(hub, 'well', 'echo ready; exec sleep 86423');
  await stage.running(hub, next.agentId);
  expect((await hub.client.agents.kill(next.agentId, 'enough', 20)).report).toMatchObject({ survivors: 0 });
  expect(await circuitOf('stuck')).not.toBe('closed');

  process.kill(stuck.instance.pid, 'SIGCONT');
  await until('it is asked again', async () => (await circuitOf('stuck')) === 'closed', 60_000);
  expect(await shown()).toMatch(/^stuck\tactive\tyes\t/m);
  expect((await hub.client.agents.get(agentId)).state).toBe('running');
  const late = 'pending' in waits ? (waits.pending.agentId ?? '') : '';
  await until('what waited is there', () => hub.client.agents.get(late).catch(() => undefined), 30_000);
  expect((await stage.ended(hub, late)).state).toBe('completed');
  expect((await hub.client.agents.kill(agentId, 'enough', 20)).report).toMatchObject({
    killed: [agentId],
    survivors: 0,
  });
}, 120_000);

test('it closes by itself, when nobody asks anything of that spoke', async () => {
  await until(
    'nothing is under way',
    async () => (await hub.client.commands.list({ state: 'pending' })).commands.length === 0,
  );
  process.kill(stuck.instance.pid, 'SIGSTOP');
  await Promise.all([1, 2, 3, 4, 5].map(asked));
  expect(await circuitOf('stuck')).toBe('open');
  process.kill(stuck.instance.pid, 'SIGCONT');
  await until('the circuit is closed', async () => (await circuitOf('stuck')) === 'closed', 60_000);
}, 120_000);
