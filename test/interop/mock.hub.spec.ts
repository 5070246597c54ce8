// A real spoke before a hub that was written from the text of the protocol, and that lies in every way the text names. Each lie
// gets the answer that the text says, changes nothing, and leaves an honest command where it was.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Federation, type Player } from '../support/federation.js';
import { MockHub } from '../support/mock/hub.js';
import { agentIdOf, newKey, nonce, nowS, seal, type Json } from '../support/mock/wire.js';
import { until } from '../support/until.js';

let stage: Federation;
let spoke: Player;
const hub = new MockHub();

const spawn = (script: string, idk = nonce()): Json => {
  const { taskId, agentType, context, options } = stage.job(undefined, script);
  return { op: 'agent.spawn', idk, args: { taskId, agentType, context, options } };
};
const list = { op: 'agent.list', args: {} };
const resultsOf = ({ results }: { readonly results: readonly Json[] }) => results;
const agents = async () => (await spoke.client.agents.list({ limit: 200 })).agents.map(({ agentId }) => agentId);
/** The spoke redials after a refusal that closed its link. */
const again = async (closed: { code: number | undefined }) => {
  await until('the link is closed', () => closed.code !== undefined || undefined);
  await hub.line();
};

beforeAll(async () => {
  stage = await Federation.open();
  await hub.open();
  stage.afterwards(() => hub.close());
  spoke = await stage.spoke('spoke');
  const joining = spoke.client.hubs.join({ invite: hub.inviteLine(), grant: stage.grant() });
  await joining;
  await hub.line();
  await hub.accept();
  await until(
    'the connection is active',
    async () => (await spoke.client.hubs.list())[0]?.state === 'active' || undefined,
    60_000,
  );
}, 120_000);
afterAll(() => stage.close(), 60_000);

describe('an honest hub from the text', () => {
  test('spawns an agent whose name it knew before, hears its story in a chain that holds, and asks for its state', async () => {
    const [done] = resultsOf(await hub.command([spawn('echo from the text', 'a-key')]));
    expect(done).toMatchObject({ st: 'ok', body: { agentId: agentIdOf(hub.con, 'a-key'), state: 'spawning' } });
    const { agentId } = done!.body as { agentId: string };
    const types = () => hub.events.filter(({ subject }) => subject === agentId).map(({ type }) => type);
    await until('the end has come', () => types().includes('agent.cleanup') || undefined, 30_000);
    expect(types()).toEqual(
      expect.arrayContaining(['agent.spawned', 'agent.running', 'agent.output', 'agent.completed']),
    );
    const [status] = resultsOf(await hub.command([{ op: 'agent.status', args: { agentId } }]));
    expect(status).toMatchObject({ st: 'ok', body: { agentId, state: 'completed', owner: hub.con } });
  }, 120_000);

  test('[S-8] the same bytes get the same answer, and the same key in another message the same agent', async () => {
    const line = await hub.line();
    const raw = hub.commands([spawn('true', 'twice')]);
    line.say(raw);
    const first = await hub.resultOf(line, raw);
    line.say(raw);
    expect((await hub.resultOf(line, raw)).raw).toBe(first.raw);
    const [anew] = resultsOf(await hub.command([spawn('true', 'twice')]));
    expect(anew).toMatchObject({ body: { agentId: agentIdOf(hub.con, 'twice') } });
    const [other] = resultsOf(await hub.command([spawn('false', 'twice')]));
    expect(other).toMatchObject({ st: 'denied', code: 'idk_conflict' });
  });

  test('[K-4] kills what never was, and its spawn comes too late', async () => {
    const idk = nonce();
    const kill = { op: 'agent.kill', idk: nonce(), args: { agentId: agentIdOf(hub.con, idk), reason: 'early' } };
    expect(resultsOf(await hub.command([kill]))[0]).toMatchObject({ st: 'ok', body: { survivors: 0 } });
    expect(resultsOf(await hub.command([spawn('true', idk)]))[0]).toMatchObject({ st: 'denied', code: 'killed' });
  });

  test('64 commands in one message are answered one by one', async () => {
    const results = resultsOf(await hub.command(Array.from({ length: 64 }, () => list)));
    expect(new Set(results.map(({ id, st }) => `${String(id)} ${String(st)}`)).size).toBe(64);
    expect(results.every(({ st }) => st === 'ok')).toBe(true);
  });
});

describe('[F-1] lies that close the link without a word', () => {
  const stranger = newKey();
  const flipped = (raw: string) => `${raw.slice(0, -3)}${raw.at(-3) === 'A' ? 'B' : 'A'}${raw.slice(-2)}`;
  const honest = () => hub.commands([spawn('touch lie')]);
  const lies: [string, () => string][] = [
    ['a key that no statement names', () => hub.commands([spawn('touch lie')], { key: stranger })],
    [
      'a key that was named once, under the kid of another',
      () => hub.commands([spawn('x')], { key: { ...stranger, kid: hub.key.kid } }),
    ],
    ['a signature with one other character', () => flipped(honest())],
    [
      'the payload of another message under this signature',
      () => {
        const [one, two] = [honest().split('.'), honest().split('.')];
        return [one[0], two[1], one[2]].join('.');
      },
    ],
    ['another audience', () => hub.commands([spawn('x')], { claims: { aud: stranger.kid } })],
    ['several audiences', () => hub.commands([spawn('x')], { claims: { aud: [hub.peer, stranger.kid] } })],
    ['another issuer', () => hub.commands([spawn('x')], { claims: { iss: stranger.kid } })],
    ['another connection', () => hub.commands([spawn('x')], { claims: { con: nonce() } })],
    ['another type under a true signature', () => hub.commands([spawn('x')], { header: { typ: 'writ-ckpt+jws' } })],
    ['a type of pairing', () => hub.commands([spawn('x')], { header: { typ: 'writ-pair-res+jws' } })],
    ['one member more in the header', () => hub.commands([spawn('x')], { header: { crit: ['exp'] } })],
    ['a key in the header', () => hub.commands([spawn('x')], { header: { jwk: stranger.jwk } })],
    ['no algorithm', () => hub.commands([spawn('x')], { header: { alg: 'none' } })],
    ['the algorithm of another family', () => hub.commands([spawn('x')], { header: { alg: 'HS256' } })],
    ['a member twice', () => hub.message('writ-cmd+jws', {}, { payload: '{"v":1,"v":1}' })],
    ['a number with a fraction', () => hub.message('writ-cmd+jws', {}, { payload: '{"v":1.5}' })],
    ['no JSON', () => hub.message('writ-cmd+jws', {}, { payload: 'v=1' })],
    [
      'events, which only a spoke tells',
      () => hub.message('writ-evt+jws', { epo: nonce(), seq: 1, prev: nonce() + 'A'.repeat(21), events: [] }),
    ],
    ['a statement of a stranger', () => seal('writ-keys+jws', { v: 1, iss: stranger.kid }, stranger)],
    ['a statement that goes back', () => hub.statement({ ver: 0 })],
    ['a statement that has run out', () => hub.statement({ iat: nowS() - 9 * 86_400, exp: nowS() - 3 * 86_400 })],
    ['a statement for longer than a week', () => hub.statement({ exp: nowS() + 8 * 86_400 })],
    ['text that is no message', () => 'hello'],
  ];

  test.each(lies)(
    '%s',
    async (_name, lie) => {
      const before = await agents();
      const line = await hub.line();
      line.say(lie());
      expect(await line.ended()).toBe(1008);
      expect(line.heard.filter(({ typ }) => typ === 'writ-res+jws').at(-1)?.claims.err).toBeUndefined();
      await again(line);
      expect(await agents()).toEqual(before);
      expect(resultsOf(await hub.command([list]))[0]).toMatchObject({ st: 'ok' });
    },
    60_000,
  );

  test('a binary frame, and a frame beyond all bounds', async () => {
    const line = await hub.line();
    line.socket.send(Buffer.from(honest()), { binary: true });
    expect(await line.ended()).toBe(1008);
    await again(line);
    const other = await hub.line(line);
    other.socket.send('A'.repeat(2 ** 20 + 1));
    expect(await other.ended()).toBe(1009);
    await again(other);
  }, 120_000);
});

describe('lies that are answered with one signed word for the whole message', () => {
  const words: [string, Json, () => { claims: Json; cmds?: readonly Json[] }][] = [
    ['from the future', { err: 'clock' }, () => ({ claims: { iat: nowS() + 40, exp: nowS() + 100 } })],
    ['long gone', { err: 'clock' }, () => ({ claims: { iat: nowS() - 120, exp: nowS() - 60 } })],
    ['good for longer than a command may be', { err: 'schema' }, () => ({ claims: { exp: nowS() + 400 } })],
    ['over before it began', { err: 'schema' }, () => ({ claims: { exp: nowS() - 1 } })],
    ['for another session', { err: 'session' }, () => ({ claims: { sn: nonce() } })],
    ['effects and queries together', { err: 'schema' }, () => ({ claims: {}, cmds: [spawn('x'), list] })],
    [
      'two commands of one id',
      { err: 'schema' },
      () => ({
        claims: {},
        cmds: [
          { ...list, id: 'a' },
          { ...list, id: 'a' },
        ],
      }),
    ],
    ['65 commands', { err: 'schema' }, () => ({ claims: {}, cmds: Array.from({ length: 65 }, () => list) })],
    ['no command', { err: 'schema' }, () => ({ claims: {}, cmds: [] })],
    ['a member that nobody knows', { err: 'schema' }, () => ({ claims: { priority: 1 } })],
    ['version 2', { err: 'schema' }, () => ({ claims: { v: 2 } })],
  ];

  test.each(words)('%s', async (_name, word, make) => {
    const before = await agents();
    const { claims, cmds = [spawn('touch lie')] } = make();
    expect(await hub.command(cmds, { claims })).toMatchObject(word);
    expect(await agents()).toEqual(before);
  });

  test('another message under an id that was used', async () => {
    const jti = nonce();
    expect(resultsOf(await hub.command([spawn('true')], { claims: { jti } }))[0]).toMatchObject({ st: 'ok' });
    expect(await hub.command([spawn('touch lie')], { claims: { jti } })).toMatchObject({ err: 'replay' });
  });

  test('a copy of a question', async () => {
    const line = await hub.line();
    const raw = hub.commands([list]);
    line.say(raw);
    await hub.resultOf(line, raw);
    line.say(raw);
    expect((await hub.resultOf(line, raw)).claims).toMatchObject({ err: 'replay' });
  });
});

describe('[F-5] commands that are refused one by one, and spoil nothing beside them', () => {
  const repository = 'https://example.com/other.git';
  const other = (change: (args: Json) => Json): Json => {
    const { args, ...rest } = spawn('touch lie');
    return { ...rest, args: change(args as Json) };
  };
  const refused: [string, () => Json, Json][] = [
    ['an operation that is none', () => ({ op: 'agent.sudo', idk: nonce(), args: {} }), { code: 'operation_unknown' }],
    ['a name of every object', () => ({ op: 'constructor', idk: nonce(), args: {} }), { code: 'operation_unknown' }],
    [
      'an effect without a key',
      () => ({ ...spawn('x'), idk: undefined }),
      { code: 'invalid_request', body: { field: 'idk' } },
    ],
    [
      'no task',
      () => other((args) => ({ ...args, taskId: undefined })),
      { code: 'invalid_request', body: { field: 'args.taskId' } },
    ],
    ['one argument more', () => other((args) => ({ ...args, root: true })), { code: 'invalid_request' }],
    [
      'a branch that is an option',
      () => other((args) => ({ ...args, context: { ...(args.context as Json), branch: '--exec=x' } })),
      { code: 'invalid_request' },
    ],
    [
      'a repository beyond the grant',
      () => other((args) => ({ ...args, context: { ...(args.context as Json), repository } })),
      { code: 'grant_denied' },
    ],
    [
      'a sandbox below the floor, or none at all',
      () => other((args) => ({ ...args, options: { runtime: 'nothing-of-ours' } })),
      { code: 'grant_denied' },
    ],
  ];

  test.each(refused)('%s', async (_name, make, verdict) => {
    const before = (await agents()).length;
    const results = resultsOf(await hub.command([make(), spawn('true')]));
    expect(results.find(({ id }) => id === '0')).toMatchObject({ st: 'denied', ...verdict });
    expect(results.find(({ id }) => id === '1')).toMatchObject({ st: 'ok' });
    expect((await agents()).length).toBe(before + 1);
  });
});

describe('lies about the connection itself', () => {
  test('[F-3] a half that comes back from nothing, or says two things under one counter, changes nothing', async () => {
    await hub.change({ state: 'suspended', counter: 2 });
    await hub.command([list]);
    expect((await spoke.client.hubs.list())[0]).toMatchObject({
      state: 'active',
      theirs: { state: 'active', counter: 2 },
    });
    hub.half = { state: 'active', counter: 2 };
  });

  test('[F-4] a hub that speaks only what this spoke does not is let go, and welcome when it speaks it again', async () => {
    const line = await hub.line();
    line.say(hub.hello({ versions: [2] }));
    expect(await line.ended()).toBe(1000);
    await hub.line(line);
    expect(resultsOf(await hub.command([list]))[0]).toMatchObject({ st: 'ok' });
  }, 120_000);

  test('a clock 29 s ahead works; 31 s behind is refused, and the spoke says so in REST and in its log', async () => {
    // What is ahead may be late and is still in time; what is behind only falls behind further.
    const hello = (ageS: number) => hub.hello({}, { claims: { iat: nowS() - ageS, exp: nowS() - ageS + 60 } });
    const seen = async () => (await spoke.client.hubs.list())[0]?.clockDifferenceS;
    const line = await hub.line();
    line.say(hello(-29));
    expect(resultsOf(await hub.command([list]))[0]).toMatchObject({ st: 'ok' });
    expect(await seen()).toBeUndefined();
    line.say(hello(31));
    expect((await hub.hear(line, 'writ-res+jws')).claims).toMatchObject({ err: 'clock' });
    const difference = await until('the spoke shows it', seen);
    expect(difference).toBeGreaterThanOrEqual(31);
    const words = `Our clock is ${difference} s ahead of theirs`;
    await until('its log says the same', () => spoke.instance.log.join('').includes(words));
    line.say(hub.hello());
    await until('it is over', async () => ((await seen()) === undefined ? true : undefined));
  }, 120_000);

  test('[S-8] a hundred messages at once with one key are one agent and a hundred equal results', async () => {
    const line = await hub.line();
    const command = spawn('echo one of a hundred', 'hundred');
    const all = Array.from({ length: 100 }, () => hub.commands([command]));
    for (const raw of all) line.say(raw);
    const results = await Promise.all(all.map(async (raw) => (await hub.resultOf(line, raw)).claims.results as Json[]));
    const bodies = new Set(results.map(([one]) => JSON.stringify([one?.st, one?.body])));
    expect(bodies.size).toBe(1);
    expect(results[0]?.[0]).toMatchObject({ st: 'ok', body: { agentId: agentIdOf(hub.con, 'hundred') } });
    const mine = (await agents()).filter((id) => id === agentIdOf(hub.con, 'hundred'));
    expect(mine).toHaveLength(1);
  }, 120_000);

  test('a recorded hello opens nothing and displaces nothing', async () => {
    const line = await hub.line();
    const recorded = line.heard.find(({ typ }) => typ === 'writ-hello+jws')?.raw ?? '';
    line.say(recorded);
    expect(await line.ended()).toBe(1008);
    await hub.line(line);
  }, 120_000);

  test('an acknowledgement of another story is an alarm and prunes nothing', async () => {
    const { epo } = hub.said.journal as { epo: string };
    const line = await hub.line();
    line.say(hub.message('writ-ack+jws', { epo, seq: 1, h: nonce() + nonce().slice(0, 20) + 'A' }));
    expect(resultsOf(await hub.command([list]))[0]).toMatchObject({ st: 'ok' });
  });

  test('[F-3] after it has closed, nothing but hello is left', async () => {
    const line = await hub.line();
    await hub.change({ state: 'closed', agents: 'kill', counter: 3 });
    await until(
      'the spoke knows',
      async () => (await spoke.client.hubs.list())[0]?.state === 'closed' || undefined,
      60_000,
    );
    expect(await line.ended()).toBe(1001);
    hub.half = { state: 'active', counter: 4 };
    await spoke.restart('SIGTERM');
    expect((await spoke.client.hubs.list())[0]?.state).toBe('closed');
    expect((await spoke.client.agents.list({ state: ['spawning', 'running'] })).agents).toEqual([]);
  });
});
