// Each side one version behind the other: a hub and a spoke that keep to the recording of the first version, before those of today.
// What the newer side says is held against the shapes that the older one took: an addition that it would refuse fails here.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Federation, refusal, type Player } from '../support/federation.js';
import { MockHub } from '../support/mock/hub.js';
import { Recording } from '../support/mock/recording.js';
import { MockSpoke } from '../support/mock/spoke.js';
import { agentIdOf, inviteBody, nonce, type Heard, type Json } from '../support/mock/wire.js';
import { until } from '../support/until.js';

const first = new Recording('81c9709');
const exchanges = first.exchanges();
const [spawn] = exchanges;
const recorded = (spawn!.result.body as { agentId: string }).agentId;
let stage: Federation;

const faultsIn = (heard: readonly Heard[]) => heard.flatMap(({ typ, claims }) => first.faultsOf(typ, claims));

beforeAll(async () => {
  stage = await Federation.open();
}, 120_000);
afterAll(() => stage.close(), 60_000);

test('the recording is of its own shape', () => {
  expect(exchanges.map(({ command }) => command.op)).toEqual(
    expect.arrayContaining([
      'agent.spawn',
      'agent.status',
      'agent.kill',
      'agent.list',
      'agent.output',
      'agent.artifact',
    ]),
  );
  for (const { command, result } of exchanges)
    expect([
      ...first.faultsOfOperation(String(command.op), 'args', command.args),
      ...first.faultsOfOperation(String(command.op), 'body', result.body),
    ]).toEqual([]);
  expect(first.faultsOf('writ-hello+jws', { ...first.hello('spoke'), more: 1 })).not.toEqual([]);
  const [event] = first.events();
  const changed = { ...event, data: { ...(event?.data as Json), more: 1 } };
  expect(first.faultsOf('writ-evt+jws', { events: [JSON.stringify(changed)] })).toContainEqual(
    expect.stringContaining('agent.spawned: data'),
  );
});

describe('[F-4] a hub of the first version and a spoke of today', () => {
  const hub = new MockHub();
  let spoke: Player;
  let agentId = recorded;

  const ended = () =>
    hub.events.some(({ subject, type }) => subject === agentId && type === 'agent.cleanup') || undefined;
  /** As it was said then, of this repository and this agent. */
  const again = ({ op, args, idk }: Json): Json => {
    const { repository } = ((spawn!.command.args as Json).context ?? {}) as { repository: string };
    const text = JSON.stringify(args).replaceAll(recorded, agentId).replaceAll(repository, stage.repository);
    return { op, args: JSON.parse(text) as Json, ...(idk === undefined ? {} : { idk }) };
  };

  beforeAll(async () => {
    await hub.open();
    const invite = hub.inviteLine();
    hub.operations = first.hello('hub').ops as string[];
    stage.afterwards(() => hub.close());
    spoke = await stage.spoke('spoke', { agents: { graceMs: 1_000, outputInlineBytesMax: 16 } });
    await spoke.client.hubs.join({ invite, grant: stage.grant({ egress: ['registry.example.com'] }) });
    await hub.line();
    await hub.accept();
    await until(
      'it is active',
      async () => (await spoke.client.hubs.list())[0]?.state === 'active' || undefined,
      60_000,
    );
  }, 120_000);

  test('every command of then is answered as it was, in a shape of then', async () => {
    for (const { command, result } of exchanges) {
      const op = String(command.op);
      if (op !== 'agent.spawn') await until('the agent has ended', ended, 30_000);
      const [said] = (await hub.command([again(command)])).results;
      expect([op, said?.st]).toEqual([op, result.st]);
      expect(first.faultsOfOperation(op, 'body', said?.body)).toEqual([]);
      if (op === 'agent.spawn') agentId = (said?.body as { agentId: string }).agentId;
    }
    expect(agentId).toBe(agentIdOf(hub.con, String(spawn?.command.idk)));
  }, 120_000);

  test('nothing that was said to it is beyond what it took: hello, grant, events, results', async () => {
    const { heard } = await hub.line();
    expect(new Set(heard.map(({ typ }) => typ))).toEqual(
      new Set(['writ-keys+jws', 'writ-hello+jws', 'writ-evt+jws', 'writ-res+jws']),
    );
    expect(faultsIn(heard)).toEqual([]);
    expect((await spoke.client.hubs.list())[0]?.grant).toMatchObject({ version: 1 });
    expect(hub.said.grant).not.toHaveProperty('egress');
    expect(hub.said.ops).toEqual(expect.arrayContaining(first.hello('spoke').ops as string[]));
  });

  test('what is not spoken is refused with what is, beside a command that is carried out', async () => {
    const unknown = { op: 'agent.dance', args: { agentId } };
    const status = { op: 'agent.status', args: { agentId } };
    const { results } = await hub.command([unknown, status]);
    expect(results[0]).toMatchObject({ st: 'denied', code: 'operation_unknown' });
    expect((results[0]?.body as Json).detail).toContain('agent.status, agent.kill');
    expect(results[1]).toMatchObject({ st: 'ok' });
    const kind = { op: 'agent.artifact', args: { agentId, kind: 'hologram' } };
    expect((await hub.command([kind])).results[0]).toMatchObject({
      code: 'invalid_request',
      body: { field: 'args.kind' },
    });
  });

  test('names in a hello that nobody knows mean nothing, and for one that is known more is shown', async () => {
    hub.operations = [...hub.operations, 'agent.dance', 'future.things', 'grant.egress'];
    const line = await hub.line();
    line.say(hub.hello());
    expect((await hub.command([{ op: 'agent.status', args: { agentId } }])).results[0]).toMatchObject({ st: 'ok' });
    await spoke.client.hubs.setGrant('mock', { grant: stage.grant({ egress: ['other.example.com'] }), reason: 'more' });
    const { claims } = await hub.hear(line, 'writ-hello+jws', ({ claims }) => Number(claims.gv) > 1);
    expect(claims.grant).toMatchObject({ egress: ['other.example.com'] });
  });
});

describe('[F-4] a spoke of the first version and a hub of today', () => {
  /** Answers as it did then, and says of itself what it said then. */
  class FirstSpoke extends MockSpoke {
    override operations = first.hello('spoke').ops as string[];

    protected override facts(): Json {
      const { gv, grant } = first.hello('spoke');
      return { ...super.facts(), gv, grant };
    }
  }

  let hub: Player;
  let asksFor: readonly string[] = [];
  const older: FirstSpoke = new FirstSpoke('older', ({ op, idk }) => {
    const found = exchanges.find(({ command }) => command.op === op);
    if (!found) return undefined;
    const { st, body } = found.result;
    if (op !== 'agent.spawn') return { st, body };
    const agentId = agentIdOf(older.con, String(idk));
    const told = first.events()[0]!;
    older.tell({ ...told, id: nonce(), source: older.id, subject: agentId });
    return { st, body: { ...(body as Json), agentId } };
  });

  beforeAll(async () => {
    hub = await stage.hub('hub', { commands: { spawnMs: 5_000, killMs: 30_000 } });
    const { invite } = await hub.client.invites.create({});
    asksFor = inviteBody(invite).ops as string[];
    await older.join(invite);
    await older.dial();
    stage.afterwards(() => older.close());
    await hub.client.spokes.accept('older');
    await until('it is active', async () => (await hub.client.spokes.get('older')).state === 'active' || undefined);
    for (const event of first.events()) older.tell({ ...event, source: older.id });
    await until('its story is known', async () =>
      hub.client.agents.get(recorded).then(
        ({ cleanup }) => cleanup,
        () => undefined,
      ),
    );
  }, 120_000);

  test('its agents are shown, asked for, spawned, killed and closed as ever', async () => {
    const { agents } = hub.client;
    expect(await agents.get(recorded)).toMatchObject({ state: 'completed', spoke: { name: 'older' } });
    expect((await agents.readOutput(recorded)).text).toBe('some words, and then some more\n');
    expect((await agents.diff(recorded)).text).toContain('+work');
    expect((await agents.list({ live: true })).agents.map(({ agentId }) => agentId)).toContain(recorded);
    expect(await agents.spawn(stage.job('older', 'true'), { waitS: 10 })).toMatchObject({
      agent: { state: 'spawning' },
    });
    expect(await agents.kill(recorded, 'over', 10)).toMatchObject({ report: { survivors: 0 }, pending: [] });
    expect(await agents.close(recorded, { reason: 'over' })).toMatchObject({ agent: { state: 'completed' } });
    await hub.client.kill.all({ scope: 'spoke:older', reason: 'enough' }, 10);
    await hub.client.kill.reset({ scope: 'spoke:older', reason: 'go on' });
  }, 120_000);

  test('an option of a spawn that it does not know is not sent to it', async () => {
    const options = { runtime: 'shell', egress: ['registry.example.com'] };
    const wish = { ...stage.job('older', 'true', { taskId: 'reach' }), options };
    expect(await refusal(hub.client.agents.spawn(wish, { waitS: 10 }))).toMatchObject({
      code: 'operation_unknown',
      detail: expect.stringContaining('agent.spawn.egress'),
    });
  });

  test('a branch is not asked for: the refusal says what that spoke speaks', async () => {
    const refused = await refusal(hub.client.agents.bundle(recorded));
    expect(refused).toMatchObject({
      code: 'operation_unknown',
      detail: expect.stringContaining('agent.artifact.bundle'),
    });
    expect(refused.detail).toContain('agent.checkpoints');
  });

  test('nothing that was said to it is beyond what it took: invite, hello, commands, arguments, acknowledgements', () => {
    expect(faultsIn(older.line.heard)).toEqual([]);
    const spoken = first.hello('spoke').ops as string[];
    expect(asksFor.filter((op) => !spoken.includes(op))).toEqual([]);
    expect(older.commands.map(({ op }) => op).filter((op) => !spoken.includes(String(op)))).toEqual([]);
    const faults = older.commands.flatMap(({ op, args }) => first.faultsOfOperation(String(op), 'args', args));
    expect(faults).toEqual([]);
    expect(new Set(older.commands.map(({ op }) => op)).size).toBeGreaterThan(6);
  });

  test('a newer spoke may tell of what this hub does not know, and say names that it does not know', async () => {
    older.operations = [...older.operations, 'agent.dance'];
    older.line.say(older.hello());
    older.tell(older.event('agent.danced', recorded, { steps: 3 }));
    const { seq } = older;
    await older.hear(older.line, 'writ-ack+jws', ({ claims }) => Number(claims.seq) >= seq);
    expect((await hub.client.agents.diff(recorded)).text).toContain('+work');
  });
});
