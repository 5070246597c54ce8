// A real hub before spokes that were written from the text of the protocol, and that lie in every way the text names. What they
// say of themselves is theirs; of others, of what nobody asked, and against their own chain it counts for nothing.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import type { AgentResource } from '#protocol';
import { Federation, refusal, type Player } from '../support/federation.js';
import { branch, commit, honest, lies, serving } from '../support/mock/bundles.js';
import { MockSpoke, type Answering } from '../support/mock/spoke.js';
import { base64url, newKey, nonce, nowS, sha256, type Heard, type Json } from '../support/mock/wire.js';
import { until } from '../support/until.js';

let stage: Federation;
let hub: Player;
/** What the next commands are answered with; undefined stays silent. */
let answers: Answering = () => undefined;
const liar = new MockSpoke('liar', (command) => answers(command));
const neighbour = new MockSpoke('neighbour', () => undefined);
const time = () => new Date().toISOString();
const agentId = '00000000-0000-8000-8000-00000000000a';

const enter = async (spoke: MockSpoke) => {
  const { invite } = await hub.client.invites.create({});
  await spoke.join(invite);
  await spoke.dial();
  await hub.client.spokes.accept(spoke.name);
  await until(
    `${spoke.name} is active`,
    async () => (await hub.client.spokes.get(spoke.name)).state === 'active' || undefined,
  );
};
const spawned = (id: string, taskId = 'told'): Json => {
  const { agentType, context } = stage.job(undefined, 'true');
  const data = { taskId, agentType, context, options: {}, limits: {}, actor: { kind: 'peer', id: liar.peer } };
  return liar.event('agent.spawned', id, data);
};
const completed = (id: string): Json => {
  const usage = {
    turns: 1,
    inputTokens: 1,
    outputTokens: 1,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    moneyMicroUsd: 1,
  };
  const data = {
    reason: 'done',
    exitReason: 'finished',
    usage,
    outputBytes: 0,
    result: { summary: 'ok', items: [] },
    actor: { kind: 'system', id: 'spoke' },
  };
  return liar.event('agent.completed', id, data);
};
const known = (id: string): Promise<AgentResource | undefined> => hub.client.agents.get(id).catch(() => undefined);
const acked = (seq: number) =>
  liar.hear(liar.line, 'writ-ack+jws', ({ claims }) => claims.epo === liar.epo && Number(claims.seq) >= seq);
const diff =
  (body: Json): Answering =>
  ({ op }) =>
    op === 'agent.artifact' ? { st: 'ok', body } : undefined;

beforeAll(async () => {
  stage = await Federation.open();
  hub = await stage.hub('hub', { commands: { spawnMs: 3_000, killMs: 30_000 } });
  await enter(liar);
  await enter(neighbour);
  stage.afterwards(() => [liar, neighbour].forEach((spoke) => spoke.close()));
}, 120_000);
afterAll(() => stage.close(), 60_000);

describe('[F-11] pairing', () => {
  test('a wrong MAC, another root, a message that ran out, and a second use are one and the same refusal', async () => {
    const { invite } = await hub.client.invites.create({});
    const thief = new MockSpoke('thief', () => undefined);
    const lies = [
      thief.pairing(invite, { mac: base64url(sha256('guess')) }),
      thief.pairing(invite, { root: newKey().jwk }),
      thief.pairing(invite, { iat: nowS() - 1_000, exp: nowS() - 500 }),
      thief.pairing(invite, { aud: thief.id }),
      thief.pairing(invite, { admin: true }),
    ];
    for (const lie of lies) expect(await thief.post(lie)).toEqual({ status: 400, text: '' });
    expect((await hub.client.spokes.list()).map(({ name }) => name)).not.toContain('thief');
    const honest = new MockSpoke('honest', () => undefined);
    const asked = honest.pairing(invite);
    const first = await honest.post(asked);
    expect(first.status).toBe(200);
    expect(await honest.post(asked)).toEqual(first);
    expect(await thief.post(thief.pairing(invite))).toEqual({ status: 400, text: '' });
    expect((await hub.client.spokes.get('honest')).state).toBe('pending');
  });
});

describe('events', () => {
  test('an honest story is told: spawned, ended, in a chain, acknowledged', async () => {
    liar.tell(spawned(agentId));
    liar.tell(completed(agentId));
    await acked(2);
    await until('it is known', async () => (await known(agentId))?.state === 'completed' || undefined);
    expect(await known(agentId)).toMatchObject({ owner: liar.con, spoke: { name: 'liar' }, result: { summary: 'ok' } });
  });

  test('[O-2] a gap is asked for again, and what comes twice counts once', async () => {
    const [one, two] = [
      spawned('00000000-0000-8000-8000-00000000000b'),
      spawned('00000000-0000-8000-8000-00000000000c'),
    ];
    const lost = [liar.seq, liar.chain] as const;
    const text = JSON.stringify(one);
    [liar.seq, liar.chain] = [lost[0] + 1, Buffer.from(sha256(Buffer.concat([lost[1], sha256(text)])))];
    liar.tell(two);
    const { claims } = await liar.hear(liar.line, 'writ-ack+jws', ({ claims }) => claims.again === true);
    expect(claims.seq).toBe(lost[0]);
    [liar.seq, liar.chain] = lost;
    liar.tell(one);
    liar.tell(two);
    await acked(lost[0] + 2);
    [liar.seq, liar.chain] = lost;
    liar.tell(one);
    liar.tell(two);
    const told = async () => (await hub.client.agents.list({ taskId: 'told' })).agents.length;
    await until('both are known', async () => (await told()) === 3 || undefined);
    await acked(lost[0] + 2);
    expect(await told()).toBe(3);
  });

  test('another text where one was accepted is equivocation: the first stays, and what follows the second counts for nothing', async () => {
    const at = [liar.seq, liar.chain] as const;
    const [id, after] = ['00000000-0000-8000-8000-00000000000d', '00000000-0000-8000-8000-00000000000e'];
    const first = spawned(id, 'first');
    liar.tell(first);
    await acked(at[0] + 1);
    [liar.seq, liar.chain] = at;
    liar.tell(spawned(id, 'second'));
    liar.tell(spawned(after, 'second'));
    [liar.seq, liar.chain] = at;
    liar.tell(first);
    liar.tell(spawned('00000000-0000-8000-8000-00000000000f', 'third'));
    await acked(at[0] + 2);
    await until('the third is known', () => known('00000000-0000-8000-8000-00000000000f'));
    expect((await known(id))?.taskId).toBe('first');
    expect(await known(after)).toBeUndefined();
  });

  test('[F-12] of an agent of another spoke it can tell nothing', async () => {
    const theirs = '00000000-0000-8000-8000-0000000000ff';
    neighbour.tell({ ...spawned(theirs, 'theirs'), source: neighbour.id });
    await until('it is known', () => known(theirs));
    const { seq } = liar;
    liar.tell(liar.event('agent.killed', theirs, completed(theirs).data as Json));
    await acked(seq + 1);
    expect(await known(theirs)).toMatchObject({ state: 'spawning', owner: neighbour.con });
  });

  test('what is no event, or one that nobody knows, stands in the chain and hides nothing that follows', async () => {
    const { seq } = liar;
    const later = '00000000-0000-8000-8000-0000000000aa';
    liar.tell({ type: 'agent.exploded', subject: later });
    liar.tell({ ...spawned(later), data: { taskId: 7 } });
    liar.tell(spawned(later, 'later'));
    await acked(seq + 3);
    await until('it is known', async () => (await known(later))?.taskId === 'later' || undefined);
  });

  test('events of an epoch that no hello announced are refused with the session', async () => {
    const [epo, { seq }] = [liar.epo, liar];
    liar.epo = nonce();
    liar.tell(spawned('00000000-0000-8000-8000-0000000000bb', 'epoch'), { keepsChain: true });
    await until('the link is gone', () => liar.line.code);
    [liar.epo, liar.seq] = [epo, seq];
    await liar.dial();
    expect(await known('00000000-0000-8000-8000-0000000000bb')).toBeUndefined();
  });
});

describe('results', () => {
  const kill = (id: string) => hub.client.agents.kill(id, 'the story wants it', 1);

  test('a body without the shape of its operation is no answer, whatever else it says', async () => {
    for (const body of [
      { kind: 'diff' },
      { kind: 'diff', text: 7, truncated: false },
      { kind: 'diff', text: 'x', truncated: false, more: 1 },
    ]) {
      answers = diff(body);
      expect(await refusal(hub.client.agents.diff(agentId))).toMatchObject({ code: 'schema' });
    }
    answers = diff({ kind: 'diff', text: '+ok', truncated: false });
    expect(await hub.client.agents.diff(agentId)).toMatchObject({ text: '+ok' });
  });

  test('[F-1] answers to nobody, to other bytes, or of another id settle nothing', async () => {
    answers = ({ asked, id }) => {
      const heard = asked as Heard;
      const body = { kind: 'diff', text: 'lie', truncated: false };
      liar.answer({ ...heard, h: base64url(sha256('other')) }, [{ id, gv: 1, st: 'ok', body }]);
      liar.answer({ ...heard, claims: { ...heard.claims, jti: nonce() } }, [{ id, gv: 1, st: 'ok', body }]);
      liar.answer(heard, [
        { id: '63', gv: 1, st: 'ok', body },
        { id: '00', gv: 1, st: 'ok', body },
      ]);
      return { st: 'ok', body: { ...body, text: 'the answer' } };
    };
    expect(await hub.client.agents.diff(agentId)).toMatchObject({ text: 'the answer' });
  });

  test('the first answer stands, whatever comes after it', async () => {
    answers = ({ asked, id }) => {
      const body = { kind: 'diff', text: 'first', truncated: false };
      liar.answer(asked as Heard, [{ id, gv: 1, st: 'ok', body }]);
      return { st: 'ok', body: { ...body, text: 'second' } };
    };
    expect(await hub.client.agents.diff(agentId)).toMatchObject({ text: 'first' });
  });

  test('an answer under a key that no statement names closes the link, and says nothing', async () => {
    answers = ({ asked, id }) => {
      const body = { kind: 'diff', text: 'forged', truncated: false };
      liar.answer(asked as Heard, [{ id, gv: 1, st: 'ok', body }], { key: newKey() });
      return undefined;
    };
    const asked = refusal(hub.client.agents.diff(agentId));
    expect(await liar.line.ended()).toBe(1008);
    answers = () => undefined;
    await liar.dial();
    expect((await asked).code).not.toBe('ok');
  }, 120_000);

  test('[O-6] silence is no answer: the kill stays open and says so, and is settled by what comes late', async () => {
    const live = '00000000-0000-8000-8000-0000000000cc';
    liar.tell(spawned(live, 'alive'));
    await until('it is known', () => known(live));
    const asked: Json[] = [];
    answers = (command) => (command.op === 'agent.kill' ? (asked.push(command), undefined) : undefined);
    const outcome = await kill(live);
    expect(outcome).toMatchObject({ report: { killed: [] }, pending: [{ spoke: 'liar', state: 'pending' }] });
    const [first] = asked;
    const body = { killed: [live], alreadyEnded: [], failed: [], survivors: 0 };
    liar.answer(first?.asked as Heard, [{ id: first?.id, gv: 1, st: 'ok', body }]);
    const commandId = outcome.pending[0]?.commandId ?? '';
    await until(
      'it is settled',
      async () => (await hub.client.commands.get(commandId)).state === 'delivered' || undefined,
    );
  }, 120_000);

  test('[O-6] a command that timed out is settled by the answer that comes late, on a later link', async () => {
    const asked: Json[] = [];
    answers = (command) => (command.op === 'agent.spawn' ? (asked.push(command), undefined) : undefined);
    const answer = await hub.client.agents.spawn(stage.job('liar', 'true'), { waitS: 10 });
    const { commandId, agentId } = (answer as { readonly pending: { commandId: string; agentId?: string } }).pending;
    expect(await hub.client.commands.get(commandId)).toMatchObject({
      state: 'timed_out',
      problem: { code: 'timed_out' },
    });
    liar.close();
    await liar.dial();
    const [{ asked: heard, id }] = asked as [Json];
    const body = { agentId, state: 'spawning', spawnedAt: time() };
    liar.answer(heard as Heard, [{ id, gv: 1, st: 'ok', body }]);
    const settled = async () => {
      const { state, problem } = await hub.client.commands.get(commandId);
      return state === 'delivered' && problem === undefined;
    };
    await until('it is settled', settled);
    expect(asked).toHaveLength(1);
  }, 120_000);

  test('an agent whose spawn was delivered is found, also before the journal has told of it', async () => {
    const asked: Json[] = [];
    answers = (command) => (command.op === 'agent.spawn' ? (asked.push(command), undefined) : undefined);
    const answer = await hub.client.agents.spawn(stage.job('liar', 'true'), { waitS: 0 });
    const { commandId, agentId } = (answer as { readonly pending: { commandId: string; agentId: string } }).pending;
    const [{ asked: heard, id }] = [await until('it is asked', () => asked[0])];
    const body = { agentId, state: 'spawning', spawnedAt: time() };
    liar.answer(heard as Heard, [{ id, gv: 1, st: 'ok', body }]);
    await until('it is delivered', async () => (await hub.client.commands.get(commandId)).state === 'delivered');
    const found = hub.client.agents.get(agentId);
    liar.tell(spawned(agentId));
    expect(await found).toMatchObject({ agentId, state: 'spawning', spoke: { name: 'liar' } });
  }, 120_000);

  test('a refusal reaches whoever asked, with the code and the sentence of the spoke', async () => {
    const problem = {
      type: 'urn:writ:problem:latched',
      title: 'Stopped',
      status: 423,
      code: 'latched',
      detail: 'No.',
      next: 'Ask.',
    };
    answers = ({ op }) => (op === 'agent.spawn' ? { st: 'denied', code: 'latched', body: problem } : undefined);
    expect(await refusal(hub.client.agents.spawn(stage.job('liar', 'true')))).toMatchObject({
      code: 'latched',
      detail: 'No.',
    });
  });
});

describe('bundles', () => {
  const kept = () => readdirSync(join(hub.instance.options.stateDir, 'bundles'));
  const asks = () => liar.commands.filter(({ op }) => op === 'agent.artifact').length;

  beforeAll(async () => {
    liar.operations = [...liar.operations, 'agent.artifact.bundle'];
    if (liar.line.code === undefined) liar.line.say(liar.hello());
    else await liar.dial();
    const end = completed(branch);
    const data = end.data as { result: Json };
    liar.tell(spawned(branch, 'branch'));
    liar.tell({ ...end, data: { ...data, result: { ...data.result, branch: '../../evil', commit } } });
    await until('its end is known', async () => (await known(branch))?.result?.commit);
  }, 120_000);

  test.each(lies)('of %s nothing is kept: %s', async (_name, code, lie) => {
    answers = lie;
    const before = asks();
    expect(await refusal(hub.client.agents.bundle(branch))).toMatchObject({ code });
    expect(asks() - before).toBeLessThanOrEqual(6);
    expect(kept()).toEqual([]);
  });

  test('an honest one is taken after all of these, asked for once, and given to everybody from then on', async () => {
    answers = serving(honest);
    const before = asks();
    const read = async () => {
      const { content, ...facts } = await hub.client.agents.bundle(branch);
      return [(await buffer(content)).equals(honest), facts.commit];
    };
    expect(await Promise.all([read(), read()])).toEqual([
      [true, commit],
      [true, commit],
    ]);
    answers = () => undefined;
    expect(await read()).toEqual([true, commit]);
    expect(asks() - before).toBe(3);
    expect(kept().every((name) => name.startsWith(branch))).toBe(true);
  });

  test('[F-4] a spoke that does not say that it has them is not asked', async () => {
    liar.operations = liar.operations.filter((name) => name !== 'agent.artifact.bundle');
    await liar.dial();
    await liar.hear(liar.line, 'writ-ack+jws');
    const before = asks();
    const refused = await refusal(hub.client.agents.bundle(agentId));
    expect(refused).toMatchObject({ code: 'operation_unknown', detail: expect.stringContaining('agent.status') });
    expect(asks()).toBe(before);
  });
});

describe('what a spoke says of itself', () => {
  test('a hello that is older, for somebody else, or of another shape changes nothing', async () => {
    liar.line.say(liar.hello());
    const older = { claims: { iat: nowS() - 5, exp: nowS() + 20 } };
    liar.line.say(liar.hello({ half: { state: 'closed', counter: 99 } }, older));
    answers = diff({ kind: 'diff', text: 'after it', truncated: false });
    expect(await hub.client.agents.diff(agentId)).toMatchObject({ text: 'after it' });
    expect((await hub.client.spokes.get('liar')).state).toBe('active');
    liar.line.say(liar.hello({ extra: true }));
    expect((await liar.hear(liar.line, 'writ-res+jws')).claims).toMatchObject({ err: 'schema' });
    expect((await hub.client.spokes.get('liar')).theirs.state).toBe('active');
  }, 120_000);

  test('a clock that is far off is told so, with the difference', async () => {
    liar.line.say(liar.hello({}, { claims: { iat: nowS() + 400, exp: nowS() + 440 } }));
    const { claims } = await liar.hear(liar.line, 'writ-res+jws');
    expect(claims).toMatchObject({ err: 'clock', diffS: expect.any(Number) });
    expect(Math.abs(Number(claims.diffS) + 400)).toBeLessThan(5);
    if (liar.line.code !== undefined || (await until('it stands or falls', () => liar.line.code ?? 1)) !== 1)
      await liar.dial();
  }, 120_000);

  test('a clock 29 s ahead works; 31 s behind is refused, and the hub says so in REST, in its log and to its doctor', async () => {
    // What is ahead may be late and is still in time; what is behind only falls behind further.
    const hello = (ageS: number) => liar.hello({}, { claims: { iat: nowS() - ageS, exp: nowS() - ageS + 60 } });
    const seen = async () => (await hub.client.spokes.get('liar')).clockDifferenceS;
    const line = await liar.dial();
    line.say(hello(-29));
    answers = diff({ kind: 'diff', text: 'on time', truncated: false });
    expect(await hub.client.agents.diff(agentId)).toMatchObject({ text: 'on time' });
    expect(await seen()).toBeUndefined();
    line.say(hello(31));
    expect((await liar.hear(line, 'writ-res+jws')).claims).toMatchObject({ err: 'clock' });
    const difference = await until('the hub shows it', seen);
    expect(difference).toBeGreaterThanOrEqual(31);
    const words = `Our clock is ${difference} s ahead of theirs`;
    await until('its log says the same', () => hub.instance.log.join('').includes(words));
    const { checks } = await hub.client.instance();
    expect(checks.find(({ name }) => name === 'clock')).toMatchObject({
      outcome: 'warning',
      detail: expect.stringContaining(words),
    });
    line.say(hello(0));
    await until('it is over', async () => (await seen()) === undefined);
  }, 120_000);

  test('a hostile name or word of its own reaches the operator as text and nothing else', async () => {
    const hostile = '\u001b[2J<script>alert(1)</script>\u202e';
    answers = ({ op }) =>
      op === 'agent.artifact' ? { st: 'ok', body: { kind: 'diff', text: hostile, truncated: false } } : undefined;
    if (liar.line.code !== undefined) await liar.dial();
    expect(await hub.client.agents.diff(agentId)).toMatchObject({ text: hostile });
    expect(time()).toMatch(/Z$/);
  });
});
