// A grant that wants a person: the hub sees its spawn wait, somebody at the spoke answers on the command line, the hub sees what came of it.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { AgentResource } from '#protocol';
import { caller } from '../support/call.js';
import { Federation, refusal, type Player } from '../support/federation.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let hub: Player;
let spoke: Player;

beforeAll(async () => {
  stage = await Federation.open();
  [hub, spoke] = await Promise.all([stage.hub('hub'), stage.spoke('acme')]);
  await stage.pair(hub, spoke, stage.grant({ approval: { withinS: 600 } }));
}, 120_000);
afterAll(() => stage.close(), 60_000);

const atSpoke = (...args: string[]) =>
  writ([...args, '-o', 'json'], { env: { WRIT_URL: spoke.instance.url, WRIT_API_KEY: spoke.instance.key } });

async function waiting(): Promise<AgentResource> {
  const answer = await hub.client.agents.spawn(stage.job('acme', 'echo done'), { waitS: 20 });
  if (!('agent' in answer)) throw new Error('no answer');
  const { agentId } = answer.agent;
  return until('the hub sees it wait', async () => {
    const agent = await hub.client.agents.get(agentId);
    return agent.phase === 'approval' ? agent : undefined;
  });
}

const ended = (agentId: string) => stage.ended(hub, agentId);

test('approved on the command line of the spoke, it runs; the hub sees who said so', async () => {
  const { agentId, question } = await waiting();
  expect(question).toMatchObject({ kind: 'spawn', options: [{ id: 'approve' }, { id: 'deny' }] });
  expect(JSON.parse((await atSpoke('questions')).out)).toMatchObject([{ agentId }]);
  expect(await atSpoke('approve', agentId.slice(0, 13), '--reason', 'seen')).toMatchObject({ code: 0 });
  expect(await ended(agentId)).toMatchObject({ state: 'completed', answer: { allows: true, reason: 'seen' } });
});

test('denied, it fails with the reason and nothing ran; a second answer finds no question', async () => {
  const { agentId } = await waiting();
  expect(await atSpoke('deny', agentId, '--reason', 'not now')).toMatchObject({ code: 0 });
  const agent = await ended(agentId);
  expect(agent).toMatchObject({ state: 'failed', exitReason: 'approval_denied', outputBytes: 0 });
  expect(agent.startedAt).toBeUndefined();
  expect((await atSpoke('approve', agentId)).code).not.toBe(0);
});

test('[F-7] the hub cannot answer, and a viewer of the spoke cannot either', async () => {
  const { agentId, question } = await waiting();
  expect((await hub.call('POST', `/v1/questions/${question!.questionId}`, { allow: true })).status).toBe(404);
  const { key } = await spoke.client.keys.create({ name: 'viewer', role: 'viewer' });
  const viewer = await caller(spoke.instance.url, key)('POST', `/v1/questions/${question!.questionId}`, {
    allow: true,
  });
  expect(viewer.status).toBe(403);
  await hub.client.agents.kill(agentId, 'enough');
  expect(await ended(agentId)).toMatchObject({ state: 'killed' });
});

test('[L-11] a spoke that is killed while a spawn waits goes on waiting after its restart', async () => {
  const { agentId } = await waiting();
  await spoke.restart('SIGKILL');
  expect(await refusal(spoke.client.questions.answer('AAAAAAAAAAAAAAAAAAAAAA', { allow: true }))).toMatchObject({
    code: 'not_found',
  });
  const open = await until('the question', async () =>
    (await spoke.client.questions.list()).find((question) => question.agentId === agentId),
  );
  await spoke.client.questions.answer(open.questionId, { allow: true });
  expect(await ended(agentId)).toMatchObject({ state: 'completed' });
}, 120_000);
