// An agent of the Agent Client Protocol over the federation: the hub asks, a person of the spoke allows, a crash of the spoke
// in between is no end, and a kill leaves nothing.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AgentResource } from '#protocol';
import { acpAgent, acpAgentFolder, doing } from '../support/acp-agent.js';
import { Federation, type Player } from '../support/federation.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let spoke: Player;

beforeAll(async () => {
  stage = await Federation.open();
  const folder = acpAgentFolder(stage.room('agent'));
  const helper = { kind: 'acp', folder, argv: acpAgent('--takes', 'load') };
  const profiles = Object.fromEntries(['worker', 'reviewer', 'tester'].map((type) => [type, { runtime: 'helper' }]));
  [hub, spoke] = await Promise.all([stage.hub(), stage.spoke('acme', { runtimes: { helper }, profiles })]);
  await stage.pair(hub, spoke, stage.grant({ runtimes: ['helper'] }));
}, 120_000);
afterAll(() => stage.close(), 60_000);

const asked = (steps: readonly string[]) => {
  const context = { repository: stage.repository, branch: 'main', workItems: [doing(...steps)] };
  return { context, options: { runtime: 'helper', session: 'story' } };
};

function on(what: string, agentId: string, holds: (agent: AgentResource) => boolean): Promise<AgentResource> {
  return until(
    what,
    async () => {
      const agent = await hub.client.agents.get(agentId);
      return holds(agent) ? agent : undefined;
    },
    60_000,
  );
}

const afterTurn = (agentId: string, turn: number) =>
  on(`turn ${turn} has ended`, agentId, ({ turns }) => turns?.last?.turn === turn);

test('[S-5] asks a person of the spoke, hands in its result, goes on after a crash of the spoke, and is killed', async () => {
  const steps = ['ask fetch https://example.org', 'sh echo kept > kept.txt', 'result First.'];
  const { agentId } = await stage.spawn(hub, 'acme', '', asked(steps));
  const { question } = await on('it asks', agentId, (agent) => agent.question !== undefined);
  expect(question).toMatchObject({ kind: 'permission', title: 'May the agent fetch: https://example.org?' });
  const answer = await spoke.call('POST', `/v1/questions/${question!.questionId}`, { allow: true, reason: 'seen' });
  expect(answer.status).toBe(200);
  const first = await afterTurn(agentId, 1);
  expect(first.turns?.last).toMatchObject({ state: 'completed', result: { summary: 'First.' } });
  expect(first).toMatchObject({ answer: { allows: true, reason: 'seen' } });
  expect(first.question).toBeUndefined();
  await spoke.restart('SIGKILL');
  await stage.connected(hub, spoke);
  await hub.client.agents.send(agentId, doing('recall', 'sh cat kept.txt', 'result Second.'), { waitS: 30 });
  expect((await afterTurn(agentId, 2)).turns?.last?.result?.summary).toBe('Second.');
  await until('its output is on the hub', async () => {
    const { text } = await hub.client.agents.readOutput(agentId);
    return text.includes('answer: yes!\n') && text.includes('remembers 1\nkept\n') ? true : undefined;
  });
  await hub.client.agents.send(agentId, doing('say ready', 'wait'), { waitS: 30 });
  await stage.running(hub, agentId);
  expect(stage.watch(spoke, 'agent.mts')).not.toEqual([]);
  await hub.client.agents.kill(agentId, 'enough');
  expect(await stage.ended(hub, agentId)).toMatchObject({ state: 'killed', cleanup: { sandbox: { outcome: 'done' } } });
  expect(stage.survivors()).toEqual([]);
}, 120_000);
