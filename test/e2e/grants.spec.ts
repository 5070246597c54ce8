// What a grant allows: kept on the spoke, in force at once, and shown to the hub. What is outside gets the rule that says no.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Grant, GrantInput, Limits, SpawnRequestBody } from '#protocol';
import { agentIdOf } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { Tap } from '../support/tap.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
let other: Player;
let spoke: Player;
let allowed: GrantInput;
/** All that the first hub hears goes through it. */
const tap = new Tap();

beforeAll(async () => {
  stage = await Federation.open();
  const publicUrl = await tap.open();
  stage.afterwards(() => tap.close());
  [hub, other, spoke] = await Promise.all([
    stage.hub('hub', { publicUrl }),
    stage.hub('other'),
    stage.spoke('acme', { agents: { graceMs: 1_000, agentsMax: 4 } }),
  ]);
  tap.aim(hub.instance.url);
  allowed = stage.grant({
    agentTypes: ['worker'],
    branches: ['main'],
    runtimes: ['shell'],
    concurrentMax: 2,
    limits: { wallMs: 60_000, turnsMax: 10 },
  });
  await stage.pair(hub, spoke, allowed);
  await stage.pair(other, spoke, stage.grant({ runtimes: ['shell'], concurrentMax: 1 }));
}, 120_000);
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

describe('each rule of a grant', () => {
  let version: number;
  let grant: Grant;
  beforeAll(async () => {
    ({ version, grant } = await spoke.client.hubs.grant('hub'));
  });
  afterAll(async () => {
    await spoke.client.hubs.setGrant('hub', { grant });
  });

  /** Everything of the spoke that a spawn could have changed. */
  const standing = async () => {
    const { agents } = await spoke.client.agents.list({ limit: 200 });
    const books = await spoke.client.usage.report({ by: 'hub' });
    return {
      agents: agents.map(({ agentId, state }) => [agentId, state]),
      books,
      latches: await spoke.client.kill.latches(),
    };
  };
  const ceilings: Limits = {
    ...{ turnsMax: 5, tokensMax: 1_000, moneyMicroUsdMax: 1_000, wallMs: 60_000, outputBytesMax: 4_096 },
    ...{ memoryBytesMax: 67_108_864, pidsMax: 64, cpuPercentMax: 50, diskBytesMax: 67_108_864 },
  };
  const shell = { runtime: 'shell' };
  const claude = { runtime: 'claude' };
  const rules: readonly [
    field: string,
    change: Partial<GrantInput>,
    asked: Partial<SpawnRequestBody>,
    allows: string,
  ][] = [
    ['operations', { operations: ['agent.status'] }, {}, '["agent.status"]'],
    ['agentTypes', { agentTypes: ['worker'] }, { agentType: 'tester' }, '["worker"]'],
    ['repositories', { repositories: ['https://git.example.org/**'] }, {}, 'git.example.org'],
    ['branches', { branches: ['release/*'] }, {}, '["release/*"]'],
    ['push', {}, { options: { ...shell, push: {} } }, '[]'],
    ['push', { push: ['writ/*'] }, { options: { ...shell, push: { branch: 'main' } } }, '["writ/*"]'],
    ['egress', {}, { options: { ...shell, egress: ['example.org'] } }, '[]'],
    [
      'egress',
      { egress: ['*.example.org'] },
      { options: { ...shell, egress: ['b.example.com'] } },
      '["*.example.org"]',
    ],
    ['gates', {}, { options: { ...shell, gates: [['true']] } }, 'false'],
    ['runtimes', { runtimes: ['shell'] }, { options: claude }, '["shell"]'],
    [
      'models',
      { runtimes: ['claude'], models: ['model-a'] },
      { options: { ...claude, model: 'model-b' } },
      '["model-a"]',
    ],
    ['models', { runtimes: ['claude'], models: ['model-a'] }, { options: claude }, '["model-a"]'],
    ['sandbox', { sandbox: 'docker' }, { options: { ...shell, sandbox: 'namespace' } }, '"docker"'],
    ...Object.entries(ceilings).map(([name, most]): (typeof rules)[number] => {
      const asked = { options: { ...shell, limits: { [name]: most + 1 } } };
      return [`limits.${name}`, { limits: ceilings }, asked, String(most)];
    }),
    ['perDay.agents', { perDay: { agents: 0 } }, {}, '0 to 0 a day'],
    ['perDay.tokens', { perDay: { tokens: 0 } }, {}, '0 to 0 a day'],
    ['perDay.moneyMicroUsd', { perDay: { moneyMicroUsd: 0 } }, {}, '0 to 0 a day'],
    ['startsPerMinute', { startsPerMinute: 0 }, {}, '0 to 0 in 60 s'],
    ['concurrentMax', { concurrentMax: 0 }, {}, 'the limit is 0'],
  ];

  test('[F-5] is refused with its name and what it allows, shown to the hub, and changes nothing', async () => {
    const before = await standing();
    for (const [field, change, asked, allows] of rules) {
      const narrowed = { ...grant, concurrentMax: 4, ...change };
      const set = await spoke.client.hubs.setGrant('hub', { grant: narrowed });
      const answer = await asking(asked);
      const code = field === 'concurrentMax' ? 'capacity' : 'grant_denied';
      expect([field, answer]).toEqual([field, { code, field, detail: expect.stringContaining(allows) }]);
      version = set.version;
    }
    expect(await standing()).toEqual(before);
    await until('the hub to show it', async () => (await hub.client.spokes.get('acme')).grant?.version === version);
    expect((await hub.call('PUT', '/v1/spokes/acme/grant', { grant }, { 'if-match': '*' })).status).toBe(404);
  }, 120_000);

  test('[F-5] holds for every operation that acts on an agent, and leaves the agent as it was', async () => {
    await spoke.client.hubs.setGrant('hub', { grant });
    const { agentId } = await stage.spawn(hub, 'acme', 'echo ready; exec sleep 86405');
    await stage.running(hub, agentId);
    await spoke.client.hubs.setGrant('hub', { grant: { ...grant, operations: ['agent.status'] } });
    const before = await standing();
    const { agents } = hub.client;
    const reason = 'let me';
    for (const act of [
      agents.kill(agentId, reason, 20),
      agents.send(agentId, 'more'),
      agents.close(agentId, { reason, force: true }),
      agents.restore(agentId, { turn: 1, reason }),
      agents.checkpoints(agentId),
      agents.diff(agentId),
    ])
      expect(await refusal(act)).toMatchObject({ code: 'grant_denied', field: 'operations' });
    expect(await standing()).toEqual(before);
    await spoke.client.agents.kill(agentId, 'done');
  }, 120_000);
});

test('[F-12] two hubs that use the same names and fill the spoke hear nothing of one another', async () => {
  await spoke.client.hubs.setGrant('hub', { grant: { ...stage.grant(), concurrentMax: 4 } });
  await spoke.client.hubs.setGrant('other', { grant: { ...stage.grant(), concurrentMax: 4 } });
  const same = { taskId: 'same-task' };
  const work = 'echo ready; exec sleep 86405';
  const heardFrom = tap.frames.length;
  const spawn = async (at: Player, idempotencyKey: string, taskId: string) => {
    const answer = await at.client.agents.spawn(stage.job('acme', work, { taskId }), { waitS: 20, idempotencyKey });
    return 'agent' in answer ? answer.agent : undefined;
  };
  const [mine, theirs] = await Promise.all([
    spawn(hub, 'same-key', 'same-task'),
    spawn(other, 'same-key', 'same-task'),
  ]);
  const [myCon, theirCon] = [mine?.owner, theirs?.owner];
  expect([mine?.agentId, theirs?.agentId]).toEqual([agentIdOf(myCon!, 'same-key'), agentIdOf(theirCon!, 'same-key')]);
  const more = [await spawn(other, 'secret-key-2', 'secret-task'), await spawn(other, 'secret-key-3', 'secret-task')];
  const refused = await refusal(hub.client.agents.spawn(stage.job('acme', work, same), { waitS: 20 }));
  expect(refused).toEqual({ code: 'capacity', detail: 'This spoke has no place for another agent now.' });
  expect(
    (await hub.client.agents.list({ live: true, limit: 200, state: 'running,spawning' })).agents.map(
      (one) => one.agentId,
    ),
  ).toEqual([mine?.agentId]);
  const secrets = [theirCon, 'secret-task', 'secret-key', ...[theirs, ...more].map((one) => one?.agentId)];
  secrets.push((await other.client.signing.show()).id);
  await stage.running(hub, mine!.agentId);
  const heard = tap.frames.slice(heardFrom).filter(({ direction }) => direction === 'to-hub');
  expect(heard.length).toBeGreaterThan(2);
  const said = heard.map(({ text }) => Buffer.from(text.split('.')[1] ?? '', 'base64url').toString()).join('\n');
  expect(said).toContain(mine?.agentId);
  expect(secrets.filter((secret) => said.includes(secret!))).toEqual([]);
  await Promise.all([hub, other].map((at) => at.client.kill.all({ reason: 'done' }, 30)));
}, 120_000);
