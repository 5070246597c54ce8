import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { agentIdOf, agentResource, messageBytesMax, newNonce, type GrantInput, type SpawnArgs } from '#protocol';
import type { LocalAgents } from '#agents';
import { Acts } from '#api';
import { ChainedLog } from '#store';
import { cleaned, inState, Room } from '../../../../test/support/agents.js';
import { GrantsService } from '../grants/grants.service.js';
import { diffThatFits, outputThatFits, pageThatFits } from './fits.js';
import { Inbox, type Sender } from './inbox.js';

const admin = { kind: 'key', id: 'admin' } as const;
const con = newNonce();
const hub = (idk?: string, connectionId = con): Sender => ({ connectionId, peerId: 'hub', ...(idk ? { idk } : {}) });
const grant: GrantInput = {
  operations: ['agent.spawn', 'agent.status'],
  agentTypes: ['worker'],
  repositories: ['**'],
  sandbox: 'none',
  limits: { wallMs: 60_000 },
};

describe('the signed inbox', () => {
  let room: Room;
  let agents: LocalAgents;
  let grants: GrantsService;
  let inbox: Inbox;
  let full: boolean;
  beforeEach(async () => {
    room = await Room.make();
    agents = await room.open();
    const acts = new Acts(new ChainedLog(room.store, ['acts']));
    grants = new GrantsService(room.store, acts, 'spoke');
    await grants.set(con, grant, { actor: admin });
    full = false;
    const about = () => ({ software: 'writ', versions: [1], operations: [] });
    inbox = new Inbox(agents, grants, { full: () => Promise.resolve(full) }, about, acts);
  });
  afterEach(() => room.close());

  const args = (more: Partial<SpawnArgs> = {}): SpawnArgs => ({ ...room.request('echo hello').args, ...more });

  test('spawns under the id that both sides know before, with the runtime named and the grant’s ceilings frozen', async () => {
    const { agentId } = await inbox.spawn(args(), hub('one'));
    expect(agentId).toBe(agentIdOf(con, 'one'));
    const agent = await inbox.status({ agentId }, hub());
    expect(agent).toMatchObject({ owner: con, options: { runtime: 'claude' }, limits: { wallMs: 60_000 } });
    await cleaned(agents, agentId);
  });

  test('[S-8] the same spawn sent twice is one agent', async () => {
    const both = await Promise.all([inbox.spawn(args(), hub('one')), inbox.spawn(args(), hub('one'))]);
    expect(both[0].agentId).toBe(both[1].agentId);
    expect((await inbox.list({ limit: 10 }, hub())).agents).toHaveLength(1);
    await cleaned(agents, agentIdOf(con, 'one'));
  });

  test('[F-12] an agent of somebody else is not there for this hub: not to see, list, read or kill', async () => {
    const { agentId } = await agents.spawn(room.request('sleep 30'));
    const other = newNonce();
    for (const ask of [
      () => inbox.status({ agentId }, hub()),
      () => inbox.output({ agentId, offset: 0, bytesMax: 10 }, hub()),
      () => inbox.artifact({ agentId, kind: 'diff' }, hub(undefined, other)),
      () => inbox.artifact({ agentId, kind: 'bundle', offset: 0, bytesMax: 10 }, hub(undefined, other)),
      () => inbox.kill({ agentId, reason: 'mine?' }, hub('k')),
    ])
      await expect(ask()).rejects.toMatchObject({ code: 'not_found' });
    expect((await inbox.list({ limit: 10 }, hub())).agents).toEqual([]);
    expect((await inbox.killAll({ reason: 'all mine' }, hub('k2'))).killed).toEqual([]);
    expect((await agents.get(agentId)).state).not.toBe('killed');
    await agents.kill(agentId, admin, 'over');
  });

  test('[S-4] what is shown of an agent is what the store has: to another process beside this one, and to the next', async () => {
    const { agentId } = await inbox.spawn({ ...args(), ...room.request('sleep 30').args }, hub('one'));
    await inState(agents, agentId, 'running');
    const beside = await room.open();
    expect(await beside.get(agentId)).toEqual(await agents.get(agentId));
    await beside.kill(agentId, admin, 'from the other');
    const shown = await cleaned(agents, agentId);
    expect(shown).toMatchObject({ state: 'killed', reason: 'from the other' });
    expect(await beside.get(agentId)).toEqual(shown);
    await agents.close();
    await beside.close();
    expect(await (await room.open()).get(agentId)).toEqual(shown);
  });

  test('[F-7] asks the grant once more at the moment of the act', async () => {
    await grants.set(con, { ...grant, agentTypes: ['reviewer'] }, { actor: admin });
    await expect(inbox.spawn(args(), hub('one'))).rejects.toMatchObject({ code: 'grant_denied', field: 'agentTypes' });
    expect((await inbox.list({ limit: 10 }, hub())).agents).toEqual([]);
  });

  test.each(['send', 'close', 'restore'] as const)('[F-7] asks it once more before a %s too', async (what) => {
    const { agentId } = await inbox.spawn(args(), hub('one'));
    await grants.set(con, { ...grant, operations: ['agent.spawn', 'agent.status'] }, { actor: admin });
    const asked = { agentId, input: 'more', to: 1, force: true, reason: 'why' };
    await expect(inbox[what](asked, hub('two'))).rejects.toMatchObject({ code: 'grant_denied', field: 'operations' });
    await agents.kill(agentId, admin, 'done');
    await cleaned(agents, agentId);
  });

  test('a spawn without an idempotency key, and one for a full journal, leave nothing', async () => {
    await expect(inbox.spawn(args(), hub())).rejects.toMatchObject({ code: 'invalid_request', field: 'idk' });
    full = true;
    await expect(inbox.spawn(args(), hub('one'))).rejects.toMatchObject({ code: 'capacity' });
    expect((await inbox.list({ limit: 10 }, hub())).agents).toEqual([]);
  });

  test('[K-15] a kill that comes before its spawn makes the spawn refused', async () => {
    const agentId = agentIdOf(con, 'late');
    await inbox.kill({ agentId, reason: 'changed my mind' }, hub('k'));
    await expect(inbox.spawn(args(), hub('late'))).rejects.toMatchObject({ code: 'killed' });
  });

  test('[K-3] after a kill of all nothing is spawned until the hub resumes', async () => {
    await inbox.killAll({ reason: 'stop' }, hub('k'));
    await expect(inbox.spawn(args(), hub('one'))).rejects.toMatchObject({ code: 'latched' });
    expect(await inbox.resume({ reason: 'go' }, hub('r'))).toEqual({ latched: false });
    const { agentId } = await inbox.spawn(args(), hub('two'));
    await cleaned(agents, agentId);
  });

  test('tells what is free within the grant, and nothing of others', async () => {
    await grants.set(con, { ...grant, concurrentMax: 2 }, { actor: admin });
    expect((await inbox.info({}, hub())).free).toBe(2);
    await grants.set(con, { ...grant, concurrentMax: 10_000 }, { actor: admin });
    const { free } = await inbox.info({}, hub());
    const other = newNonce();
    const { agentId } = await agents.spawn({ ...room.request('sleep 30'), owner: other });
    const own = await agents.spawn(room.request('sleep 30'));
    expect((await inbox.info({}, hub())).free).toBe(free);
    const { agentId: mine } = await inbox.spawn(args(), hub('mine'));
    expect((await inbox.info({}, hub())).free).toBe(free - 1);
    for (const id of [agentId, own.agentId, mine]) {
      await agents.kill(id, admin, 'done');
      await cleaned(agents, id);
    }
  });

  test('pages cut by bytes go on where they were cut', async () => {
    const { agentId } = await inbox.spawn(args(), hub('one'));
    const one = await cleaned(agents, agentId);
    const big = (n: number) => ({
      ...agentResource.parse(one),
      agentId: agentIdOf(con, `${n}`),
      context: { ...one.context, workItems: Array.from({ length: 7 }, () => 'x'.repeat(8_000)) },
    });
    const many = Array.from({ length: 200 }, (_, n) => big(n));
    const page = pageThatFits(many, 'after-all');
    expect(page.next).toBe(page.agents.at(-1)?.agentId);
    expect(page.agents.length).toBeGreaterThan(5);
    expect(sealedBytes(page)).toBeLessThan(messageBytesMax);
    expect(pageThatFits(many.slice(0, 2), 'after-all').next).toBe('after-all');
  });
});

/** As base64url, the way it travels. */
const sealedBytes = (value: unknown) => Math.ceil((Buffer.byteLength(JSON.stringify(value)) * 4) / 3);

describe('answers that fit into a message', () => {
  const text = `${'\u001b'.repeat(9)}😀`.repeat(20_000);

  test('output is cut at a whole character, and the rest comes with the next question', () => {
    const chunk = { offset: 0, text, next: Buffer.byteLength(text), end: true, dropped: 0 };
    const cut = outputThatFits(chunk);
    expect(sealedBytes(cut)).toBeLessThan(messageBytesMax);
    expect(cut).toMatchObject({ end: false, next: Buffer.byteLength(cut.text) });
    expect(cut.text.isWellFormed()).toBe(true);
    expect(outputThatFits({ ...chunk, text: 'small', next: 5 })).toMatchObject({ text: 'small', end: true });
  });

  test('a diff is cut and says so', () => {
    const diff = diffThatFits({ text: '\n"'.repeat(262_144), truncated: false });
    expect(diff.truncated).toBe(true);
    expect(sealedBytes(diff)).toBeLessThan(messageBytesMax);
  });
});
