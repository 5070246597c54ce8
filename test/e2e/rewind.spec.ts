// A session over the federation is taken back to before a turn: by the hub's operator under the grant, by the spoke's own people, over a
// crash. The model is the understudy, whose answer depends on how much of the conversation it is shown.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Act } from '#api';
import { operationNames, type AgentResource } from '#protocol';
import { ChainedLog, openSqliteStore } from '#store';
import { Federation, refusal, type Player } from '../support/federation.js';
import { UnderstudyProcess } from '../support/understudy.js';
import { until } from '../support/until.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let hub: Player;
let spoke: Player;
let understudy: UnderstudyProcess;

const answer = (summary: string) => {
  const items = [{ item: 0, status: 'done', note: '' }];
  return { calls: [{ tool: 'submit_result', input: { summary, items } }] };
};
const bash = (command: string) => ({ calls: [{ tool: 'bash', input: { command } }] });
const turns = [
  ...[bash('echo one > a.txt; echo left > left.txt; git add a.txt; git commit -qm one'), answer('first')],
  ...[
    bash('cat a.txt; echo two > a.txt; rm README.md left.txt; git commit -qam two; git log --format=%s'),
    answer('second'),
  ],
  ...[bash('cat a.txt'), answer('third')],
];

beforeAll(async () => {
  stage = await Federation.open();
  const script = join(stage.folder, 'script.json');
  writeFileSync(script, JSON.stringify({ conversations: [{ name: 'session', turns }] }));
  understudy = await UnderstudyProcess.start(script);
  stage.afterwards(() => understudy.stop());
  const price = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 };
  const runtimes = { claude: { kind: 'claude', baseUrl: understudy.url, defaultPrice: price } };
  const key = { ANTHROPIC_API_KEY: 'sk-nobody' };
  [hub, spoke] = await Promise.all([stage.hub(), stage.spoke('acme', { runtimes }, key)]);
  await stage.pair(hub, spoke);
}, 120_000);
afterAll(() => stage.close(), 60_000);

function afterTurn(agentId: string, turn: number): Promise<AgentResource> {
  const look = async () => {
    const agent = await hub.client.agents.get(agentId);
    return agent.turns?.last?.turn === turn ? agent : undefined;
  };
  return until(`turn ${turn} has ended`, look, 30_000);
}

async function begun(): Promise<string> {
  const options = { runtime: 'claude', session: 'story' };
  const { agentId } = await stage.spawn(hub, 'acme', 'Make a file.', { options });
  await afterTurn(agentId, 1);
  await hub.client.agents.send(agentId, 'And then?', { waitS: 30 });
  expect((await afterTurn(agentId, 2)).turns?.last?.result?.summary).toBe('second');
  return agentId;
}

const file = (agentId: string, name: string) =>
  readFileSync(join(spoke.instance.options.stateDir, 'worktrees', 'agents', agentId, 'tree', name), 'utf8');

/** What the model was shown with its last request. */
const shown = async () => JSON.stringify((await understudy.requests()).at(-1)?.body);

const acts = async (of: Player, role: string): Promise<Act[]> => {
  const store = await openSqliteStore({ path: join(of.instance.options.stateDir, 'store.sqlite') });
  const rows = await new ChainedLog<Act>(store, [role, 'acts']).read(0);
  await store.close();
  return rows.map(({ entry }) => entry);
};

describe('the way back of a session', () => {
  test('[W-1] the hub takes it back, files, commits and conversation; it goes on from there, also after a crash, and nothing is lost', async () => {
    const agentId = await begun();
    expect(await hub.client.agents.checkpoints(agentId)).toMatchObject([
      { turn: 1, before: 'turn' },
      { turn: 2, before: 'turn' },
    ]);
    const key = { idempotencyKey: 'back', waitS: 30 };
    const wish = { turn: 2, reason: 'it went wrong' };
    const back = await hub.client.agents.restore(agentId, wish, key);
    expect(back).toMatchObject({ restored: { agentId, turn: 3, to: 2, left: 0 } });
    expect([file(agentId, 'a.txt'), file(agentId, 'left.txt'), file(agentId, 'README.md')]).toEqual([
      ...['one\n', 'left\n', 'A story.\n'],
    ]);
    await until('the hub knows', async () => (await hub.client.agents.get(agentId)).turns?.taken === 3);
    expect(await hub.client.agents.get(agentId)).toMatchObject({ activity: 'idle', turns: { last: { turn: 2 } } });
    await spoke.restart('SIGKILL');
    await stage.connected(hub, spoke);
    await hub.client.agents.send(agentId, 'Something else, then.', { waitS: 30 });
    expect((await afterTurn(agentId, 4)).turns?.last?.result?.summary).toBe('second');
    expect(await shown()).toContain('Something else, then.');
    expect(await shown()).not.toContain('And then?');
    expect((await hub.client.agents.readOutput(agentId)).text).toContain('cat a.txt');
    expect(await hub.client.agents.restore(agentId, wish, key)).toEqual(back);
    await hub.client.agents.restore(agentId, { turn: 3 }, { waitS: 30 });
    expect(file(agentId, 'a.txt')).toBe('two\n');
    await hub.client.agents.send(agentId, 'At last.', { waitS: 30 });
    expect((await afterTurn(agentId, 6)).turns?.last?.result?.summary).toBe('third');
    expect(await shown()).toContain('And then?');
    await hub.client.agents.close(agentId, { force: true, reason: 'enough seen' }, 30);
    const { result } = await stage.ended(hub, agentId);
    expect(result?.changes).toMatchObject({ files: 2 });
    const known = ['agent.restore', 'agent.close'];
    for (const [player, role, kind] of [
      [hub, 'hub', 'key'],
      [spoke, 'spoke', 'peer'],
    ] as const) {
      const told = (await acts(player, role)).filter(({ act, subject }) => known.includes(act) && subject === agentId);
      expect(told.length).toBeGreaterThanOrEqual(3);
      expect(told[0]).toMatchObject({
        act: 'agent.restore',
        actor: { kind },
        detail: { to: 2, reason: 'it went wrong' },
      });
      expect(told.at(-1)).toMatchObject({
        act: 'agent.close',
        actor: { kind },
        detail: { force: true, reason: 'enough seen' },
      });
    }
  }, 120_000);

  test('the spoke’s own people see and do the same on the command line', async () => {
    const agentId = await begun();
    const typed = (...args: string[]) => writ([...args, '--state', spoke.instance.options.stateDir]);
    expect((await typed('checkpoints', agentId)).out).toMatch(/^1\ta turn\t.*\tyes\n2\ta turn\t.*\tyes\n$/);
    const back = await typed('rewind', agentId.slice(0, 13), '--to', '2', '--reason', 'not like that');
    expect(back).toMatchObject({ code: 0, err: '' });
    expect(back.out).toContain(`writ rewind ${agentId} --to 3`);
    expect(file(agentId, 'a.txt')).toBe('one\n');
    const none = await typed('rewind', agentId, '--to', '9');
    expect(none.code).not.toBe(0);
    expect(none.err).toContain('There are those before 1, 2, 3.');
    expect((await typed('rewind', agentId, '--to', 'x')).code).toBe(2);
    const events = until('the hub was told', async () => (await hub.client.agents.get(agentId)).turns?.taken === 3);
    expect(await events).toBe(true);
    const { key } = await spoke.client.keys.create({ name: 'viewer', role: 'viewer' });
    const seen = await writ([
      'rewind',
      agentId,
      '--to',
      '1',
      '--url',
      spoke.instance.url,
      '--key',
      key,
      '--on',
      'spoke',
    ]);
    expect(seen.err).toContain('role operator');
  }, 120_000);

  test('[F-5] [F-12] a hub needs a grant that names it, and reaches no session of others', async () => {
    const agentId = await begun();
    const { agentId: own } = await stage.spawn(spoke, undefined, 'Mine.', {
      options: { runtime: 'claude', session: 'own' },
    });
    expect(await refusal(hub.client.agents.restore(own, { turn: 1 }, { waitS: 30 }))).toMatchObject({
      code: 'not_found',
    });
    expect(await refusal(hub.client.agents.checkpoints(own))).toMatchObject({ code: 'not_found' });
    const operations = operationNames.filter((op) => op !== 'agent.restore' && op !== 'agent.checkpoints');
    await spoke.client.hubs.setGrant(hub.name, { grant: stage.grant({ operations }) });
    const denied = { code: 'grant_denied' };
    expect(await refusal(hub.client.agents.restore(agentId, { turn: 2 }, { waitS: 30 }))).toMatchObject(denied);
    expect(await refusal(hub.client.agents.checkpoints(agentId))).toMatchObject(denied);
    expect(file(agentId, 'a.txt')).toBe('two\n');
  }, 120_000);
});
