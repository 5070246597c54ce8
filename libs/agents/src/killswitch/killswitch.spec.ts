import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir, readFile } from 'node:fs/promises';
import type { Sandbox } from '#agents';
import type { Commit } from '#store';
import { admin, cleaned, eventually, inState, peer, Room } from '../../../../test/support/agents.js';
import { SlowWorktrees, StallingStore, StubbornSandbox } from '../../../../test/support/faults.js';
import type { LocalAgents } from '../local.js';

const id = (n: number) => `00000000-0000-8000-8000-${String(n).padStart(12, '0')}`;
const done = { alreadyEnded: [], failed: [], survivors: 0 };

/** Processes of this machine with this word on their command line. */
async function processesWith(word: string): Promise<number> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(word)).length;
}

describe('killswitch', () => {
  let room: Room;
  let agents: LocalAgents;

  beforeAll(async () => {
    room = await Room.make();
    agents = await room.open();
  });
  afterEach(async () => {
    await agents.killAll('all', admin, 'test over');
    await agents.reset('all', admin, 'test over');
  });
  afterAll(() => room.close());

  const running = async (script = 'sleep 60') => {
    const { agentId } = await agents.spawn(room.request(script));
    await inState(agents, agentId, 'running');
    return agentId;
  };

  test('[K-1] [L-6] status still answers after a kill: who killed, why and when stay known', async () => {
    const agentId = await running();
    expect(await agents.kill(agentId, admin, 'it went wrong')).toEqual({ ...done, killed: [agentId] });
    const agent = await cleaned(agents, agentId);
    expect(agent).toMatchObject({ state: 'killed', exitReason: 'killed', actor: admin, reason: 'it went wrong' });
    expect(agent.endedAt).toBeDefined();
    const last = (await room.events()).filter(({ subject }) => subject === agentId).map(({ type }) => type);
    expect(last.slice(-2)).toEqual(['agent.killed', 'agent.cleanup']);
  });

  test('[K-8] [K-10] a kill is answered when nothing lives any more, also of children that left their session', async () => {
    const word = 'sleep 6173';
    const agentId = await running(
      `setsid ${word} & (setsid ${word} &) ; nohup ${word} >/dev/null 2>&1 & echo up; ${word}`,
    );
    await eventually(
      () => processesWith('sleep\u00006173'),
      (count) => count === 4,
    );
    const report = await agents.kill(agentId, admin, 'stop');
    expect(report).toEqual({ ...done, killed: [agentId] });
    expect(await processesWith('sleep\u00006173')).toBe(0);
  });

  test('an agent that ignores SIGTERM is gone after the grace', async () => {
    const agentId = await running(`trap '' TERM; while :; do sleep 1; done`);
    const began = performance.now();
    const report = await agents.kill(agentId, admin, 'stop');
    expect(report.survivors).toBe(0);
    expect(performance.now() - began).toBeLessThan(1_500);
  });

  test('[K-4] killing an ended agent is no error, and two kills at once get the same report', async () => {
    const agentId = await running();
    const [one, two] = await Promise.all([agents.kill(agentId, admin, 'a'), agents.kill(agentId, admin, 'b')]);
    expect(one).toEqual({ ...done, killed: [agentId] });
    expect(two).toEqual(one);
    expect(await agents.kill(agentId, admin, 'again')).toEqual({ ...done, killed: [], alreadyEnded: [agentId] });
  });

  test('[K-15] a kill that comes while the agent is still being spawned wins', async () => {
    for (const wait of [0, 1, 5, 20, 40]) {
      const { agentId } = await agents.spawn(room.request('sleep 60'));
      await new Promise((resolve) => setTimeout(resolve, wait));
      expect((await agents.kill(agentId, admin, 'too late')).survivors).toBe(0);
      expect((await cleaned(agents, agentId)).state).toBe('killed');
    }
    expect(await agents.live()).toBe(0);
  });

  test('[K-15] a kill sent in the same moment as the spawn leaves nothing alive, whichever comes first', async () => {
    for (let n = 100; n < 110; n++) {
      const request = room.request('sleep 60', { agentId: id(n), owner: 'con-1', actor: peer });
      const spawned = agents.spawn(request).then(
        () => 'accepted',
        () => 'refused',
      );
      expect((await agents.kill(id(n), peer, 'no', 'con-1')).killed).toEqual([id(n)]);
      if ((await spawned) === 'accepted') await inState(agents, id(n), 'killed');
    }
    expect(await agents.live()).toBe(0);
  });

  test('the kill of an unknown agent is remembered, and its later spawn is refused as killed', async () => {
    expect(await agents.kill(id(7), peer, 'early', 'con-1')).toEqual({ ...done, killed: [id(7)] });
    const late = agents.spawn(room.request('true', { agentId: id(7), owner: 'con-1', actor: peer }));
    await expect(late).rejects.toMatchObject({ code: 'killed' });
    await expect(agents.kill(id(8), admin, 'unknown')).rejects.toMatchObject({ code: 'not_found' });
  });

  test('kills of unknown agents are bounded per owner', async () => {
    const other = await Room.make();
    try {
      const few = await other.open({ options: { tombstonesMax: 2 } });
      for (const n of [1, 2]) await few.kill(id(n), peer, 'early', 'con-1');
      await expect(few.kill(id(3), peer, 'early', 'con-1')).rejects.toMatchObject({ code: 'capacity' });
      expect((await few.kill(id(2), peer, 'again', 'con-1')).killed).toEqual([id(2)]);
      expect((await few.kill(id(3), peer, 'early', 'con-2')).killed).toEqual([id(3)]);
    } finally {
      await other.close();
    }
  });

  test('[F-12] the agent of another owner is not found, and lives on', async () => {
    const agentId = await running();
    await expect(agents.get(agentId, 'con-1')).rejects.toMatchObject({ code: 'not_found' });
    await expect(agents.output(agentId, 0, 100, 'con-1')).rejects.toMatchObject({ code: 'not_found' });
    await expect(agents.kill(agentId, peer, 'mine?', 'con-1')).rejects.toMatchObject({ code: 'not_found' });
    expect((await agents.get(agentId)).state).toBe('running');
  });

  test('[K-3] kill-all is a latch: spawns that come meanwhile are refused or killed, until it is reset', async () => {
    const before = await Promise.all([running(), running()]);
    const meanwhile: Promise<string>[] = [];
    const spawn = () =>
      agents.spawn(room.request('sleep 60')).then(
        ({ agentId }) => agentId,
        (error: unknown) => (error as { code: string }).code,
      );
    for (let n = 0; n < 10; n++) meanwhile.push(spawn());
    const report = await agents.killAll('all', admin, 'stop everything');
    for (let n = 0; n < 5; n++) meanwhile.push(spawn());
    const answers = await Promise.all(meanwhile);
    expect(answers.slice(10)).toEqual(Array(5).fill('latched'));
    expect(report.killed).toEqual(expect.arrayContaining(before));
    expect(report.survivors).toBe(0);
    expect(await agents.live()).toBe(0);
    expect(await agents.latches()).toMatchObject([{ scope: 'all', actor: admin, reason: 'stop everything' }]);
    expect(await agents.reset('all', admin, 'over')).toBe(false);
    expect(await spawn()).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('the latch of an owner refuses that owner only, and a peer clears only its own', async () => {
    const theirs = () => agents.spawn(room.request('sleep 60', { owner: 'con-1', actor: peer }));
    const ours = await running();
    const { agentId } = await theirs();
    expect((await agents.killAll('con-1', peer, 'stop mine')).killed).toEqual([agentId]);
    await expect(theirs()).rejects.toMatchObject({ code: 'latched' });
    expect((await agents.get(ours)).state).toBe('running');
    await agents.killAll('con-1', admin, 'and stay down');
    expect(await agents.reset('con-1', peer, 'please')).toBe(true);
    await expect(theirs()).rejects.toMatchObject({ code: 'latched' });
    expect(await agents.reset('con-1', admin, 'fine')).toBe(false);
    await agents.killAll('all', admin, 'everybody');
    expect(await agents.reset('con-1', peer, 'please')).toBe(true);
    expect(await agents.reset('all', peer, 'please')).toBe(true);
  });

  test('agents of an owner that is not heard are failed as such, without a latch', async () => {
    const theirs = () => agents.spawn(room.request('sleep 60', { owner: 'con-1', actor: peer }));
    const { agentId } = await theirs();
    await inState(agents, agentId, 'running');
    expect((await agents.ownerLost('con-1', 'not heard for 60 s')).killed).toEqual([agentId]);
    expect(await agents.get(agentId)).toMatchObject({ state: 'failed', exitReason: 'connection_lost' });
    expect(await agents.latches()).toEqual([]);
    await theirs();
  });

  test('a kill works while another process on the same store runs the agent', async () => {
    const other = await Room.make();
    try {
      const [one, two] = [await other.open(), await other.open({ options: { stateDir: `${other.folder}/second` } })];
      const { agentId } = await one.spawn(other.request('sleep 60'));
      await inState(two, agentId, 'running');
      expect(await two.kill(agentId, admin, 'from beside')).toEqual({ ...done, killed: [agentId] });
      expect(await one.get(agentId)).toMatchObject({ state: 'killed', actor: admin });
      const more = await Promise.all([1, 2, 3].map(() => one.spawn(other.request('sleep 60'))));
      const report = await two.killAll('all', admin, 'from beside');
      expect([...report.killed].sort()).toEqual(more.map((agent) => agent.agentId).sort());
    } finally {
      await other.close();
    }
  });
});

describe('killswitch, when something else hangs', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.make();
  });
  afterAll(() => room.close());

  test('[L-2] a kill does not wait for a store call of the run that hangs', async () => {
    let stalling: StallingStore | undefined;
    const isOutput = (commit: Commit) => JSON.stringify(commit.appends ?? []).includes('"agent.output"');
    const store = (inner: Room['store']) => (stalling = new StallingStore(inner, isOutput));
    const agents = await room.open({ store, options: { outputFlushMs: 1, stepMs: 200, storeMs: 1_000 } });
    const { agentId } = await agents.spawn(room.request('echo hi; sleep 60'));
    await eventually(
      async () => stalling?.stalled ?? 0,
      (count) => count > 0,
    );
    const began = performance.now();
    expect((await agents.kill(agentId, admin, 'now')).killed).toEqual([agentId]);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  test('[K-15] [L-2] a kill does not wait for a worktree that is never made', async () => {
    const slow = (inner: ConstructorParameters<typeof SlowWorktrees>[0]) => new SlowWorktrees(inner, 60_000);
    const agents = await room.open({ worktrees: slow, options: { stepMs: 200 } });
    const { agentId } = await agents.spawn(room.request('sleep 60'));
    await eventually(
      () => agents.get(agentId),
      ({ phase }) => phase === 'worktree',
    );
    const began = performance.now();
    expect((await agents.kill(agentId, admin, 'now')).killed).toEqual([agentId]);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect((await cleaned(agents, agentId)).cleanup?.worktree).toMatchObject({ outcome: 'failed' });
  });

  test('[K-5] [L-7] [S-7] a sandbox that cannot be stopped holds up nobody else, and its agent is not called killed', async () => {
    const stubborn = new Set<string>();
    const sandboxes = (inner: readonly Sandbox[]) => inner.map((one) => new StubbornSandbox(one, stubborn));
    const agents = await room.open({ sandboxes, options: { graceMs: 100, stepMs: 400, killMs: 400 } });
    const spawned = await Promise.all([1, 2, 3].map(() => agents.spawn(room.request('sleep 60'))));
    const ids = spawned.map(({ agentId }) => agentId);
    for (const agentId of ids) await inState(agents, agentId, 'running');
    stubborn.add(ids[0]!);
    const report = await agents.killAll('local', admin, 'stop');
    expect([...report.killed].sort()).toEqual([...ids.slice(1)].sort());
    expect(report.failed.map(({ agentId }) => agentId)).toEqual([ids[0]]);
    expect(report.survivors).toBeGreaterThan(0);
    expect((await agents.get(ids[0]!)).state).toBe('running');
    expect(await agents.live()).toBe(1);
    stubborn.clear();
    expect(await inState(agents, ids[0]!, 'killed')).toMatchObject({ reason: 'stop', actor: admin });
    await agents.reset('local', admin, 'over');
  });
});
