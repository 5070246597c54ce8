// What agents cost: counted with their work, limited by the day, and still known after the process was killed.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { RestClient } from '#client';
import { parseScript } from '../../apps/understudy/src/script.js';
import { Understudy } from '../../apps/understudy/src/server.js';
import { Federation, refusal, type Player } from '../support/federation.js';
import { writ } from '../support/writ.js';

const key = 'sk-ant-the-key-of-the-spoke';
const submit = { summary: 'Done.', items: [{ item: 0, status: 'done', note: '' }] };
const turns = [{ calls: [{ tool: 'submit_result', input: submit }], usage: { input: 1_000, output: 100 } }];

let stage: Federation;
let understudy: Understudy;
let hub: Player;
let spoke: Player;

beforeAll(async () => {
  understudy = new Understudy(parseScript({ conversations: [{ name: 'any', turns, repeatLast: true }] }));
  const baseUrl = await understudy.listen();
  stage = await Federation.open();
  stage.afterwards(() => understudy.close());
  const runtimes = { claude: { kind: 'claude', baseUrl } };
  const env = { ANTHROPIC_API_KEY: key };
  [hub, spoke] = await Promise.all([stage.hub(), stage.spoke('acme', { runtimes }, env)]);
  await stage.pair(hub, spoke, stage.grant({ perDay: { agents: 2 }, startsPerMinute: 100 }));
}, 120_000);
afterAll(() => stage.close(), 60_000);

const claude = { options: { runtime: 'claude' } };
const spawn = () => stage.spawn(hub, 'acme', 'anything', claude);
const asking = () => refusal(hub.client.agents.spawn(stage.job('acme', 'anything', claude), { waitS: 20 }));
const perAgent = { turns: 1, inputTokens: 1_000, outputTokens: 100, moneyMicroUsd: 6_000 };

test('[O-3] what an agent used is in its record, in the books by hub and repository, and on the command line', async () => {
  const { agentId } = await spawn();
  const agent = await stage.ended(hub, agentId);
  expect(agent).toMatchObject({ state: 'completed', usage: perAgent });
  const byHub = await spoke.client.usage.report({ by: 'hub' });
  expect(byHub.rows).toMatchObject([{ key: 'hub', agents: 1, ...perAgent }]);
  expect(byHub.total).toMatchObject({ agents: 1, ...perAgent });
  expect(byHub.total.wallMs).toBeGreaterThan(0);
  const byRepository = await spoke.client.usage.report({ by: 'repository' });
  expect(byRepository.rows).toMatchObject([{ key: stage.repository, ...perAgent }]);
  const argv = ['usage', '--by', 'hub', '--url', spoke.instance.url, '--key', spoke.instance.key];
  expect((await writ(argv)).out).toContain('hub\t1\t1\t1000\t100\t0\t0\t0.006000');
}, 120_000);

test('[S-1] the agents of a day are used up, and the hub hears the rule and what it allows', async () => {
  const { agentId } = await spawn();
  await stage.ended(hub, agentId);
  expect(await asking()).toMatchObject({
    code: 'grant_denied',
    field: 'perDay.agents',
    detail: expect.stringContaining('0 to 2 a day (UTC)'),
  });
}, 120_000);

test('[O-3] a spoke that is killed and started again counts on from where it was', async () => {
  const before = await spoke.client.usage.report({ by: 'hub' });
  await spoke.restart('SIGKILL');
  await stage.connected(hub, spoke);
  expect(await spoke.client.usage.report({ by: 'hub' })).toEqual(before);
  expect(await asking()).toMatchObject({ code: 'grant_denied', field: 'perDay.agents' });
  await spoke.client.hubs.setGrant('hub', { grant: stage.grant({ perDay: { agents: 3 } }) });
  const { agentId } = await spawn();
  expect(await stage.ended(hub, agentId)).toMatchObject({ state: 'completed' });
  expect((await spoke.client.usage.report({ by: 'hub' })).total).toMatchObject({ agents: 3, inputTokens: 3_000 });
}, 120_000);

test('a viewer may read the books, and wrong questions are refused by name', async () => {
  const { key: viewerKey } = await spoke.client.keys.create({ name: 'looks', role: 'viewer' });
  const viewer = new RestClient({ url: spoke.instance.url, key: viewerKey });
  stage.afterwards(() => viewer.close());
  expect((await viewer.usage.report()).rows).toHaveLength(1);
  expect(await refusal(viewer.usage.report({ from: '2020-01-01' }))).toMatchObject({ field: 'to' });
  expect((await spoke.call('GET', '/v1/usage?by=colour')).status).toBe(400);
});
