import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { openSqliteStore } from '#store';
import { admin, cleaned, eventually, inState, Room } from '../../../../test/support/agents.js';

const top = join(dirname(fileURLToPath(import.meta.url)), '../../../..');
const program = join(top, 'dist/test/support/agents-child.js');
const operator = { kind: 'key', id: 'operator' };
const clean = { sandbox: { outcome: 'done' }, worktree: { outcome: 'done' }, lease: { outcome: 'done' } };

describe('recovery', () => {
  let room: Room;
  let child: ChildProcess | undefined;

  beforeEach(async () => {
    room = await Room.make();
  });
  afterEach(async () => {
    if (child?.exitCode === null && child.signalCode === null) await crashed();
    child = undefined;
    await room.close();
  });

  /** A spoke of its own, with agents that it accepted. */
  const started = async (count: number, script: string, graceMs = 500): Promise<string[]> => {
    child = spawn(process.execPath, [program, room.folder, room.repository, String(count), script, String(graceMs)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
    return (JSON.parse(line) as { agents: string[] }).agents;
  };

  const stateOf = async (agentId: string) => {
    const entry = await room.store.get<{ state: string; phase?: string; outputBytes: number }>([
      'agents',
      'record',
      agentId,
    ]);
    return entry?.value;
  };

  const crashed = async () => {
    const exit = once(child!, 'exit');
    child?.kill('SIGKILL');
    await exit;
  };

  test('[L-11] [S-5] after a crash what ran is failed with the reason, stopped and cleaned; what only waited goes on', async () => {
    const ids = await started(8, 'echo made > made.txt; echo up; setsid sleep 6175 & sleep 2');
    const states = () => Promise.all(ids.map(stateOf));
    await eventually(states, (all) => all.some((one) => one?.outputBytes === 3));
    await crashed();
    const left = await states();
    const agents = await room.open();
    const ends = await Promise.all(ids.map((agentId) => cleaned(agents, agentId)));
    expect(left.filter((one) => one?.phase === 'queued').length).toBeGreaterThan(0);
    for (const [n, before] of left.entries()) {
      const waited = before?.phase === 'queued';
      const end = waited ? { state: 'completed' } : { state: 'failed', exitReason: 'spoke_restarted' };
      const output = waited || before?.outputBytes === 3 ? { outputBytes: 3 } : {};
      expect(ends[n]).toMatchObject({ ...end, ...output, cleanup: { lease: clean.lease } });
      if (before?.state === 'running') expect(ends[n]?.cleanup).toEqual(clean);
    }
    expect(await agents.live()).toBe(0);
    expect(await readdir(join(room.folder, 'worktrees', 'agents'))).toEqual([]);
  });

  test('[L-11] after a crash no event is lost or doubled: one spawn, one end and one clean-up for each agent', async () => {
    const ids = await started(2, 'sleep 60');
    await eventually(
      () => Promise.all(ids.map(stateOf)),
      (all) => all.every((one) => one?.state === 'running'),
    );
    await crashed();
    const agents = await room.open();
    for (const agentId of ids) await cleaned(agents, agentId);
    for (const agentId of ids) {
      const types = (await room.events()).filter(({ subject }) => subject === agentId).map(({ type }) => type);
      expect(types).toEqual(['agent.spawned', 'agent.running', 'agent.failed', 'agent.cleanup']);
    }
  });

  test('[S-5] the count of live agents is true again after a crash, also when it was wrong', async () => {
    await room.store.commit({ puts: [{ key: ['agents', 'live-count'], value: { total: 9, owners: [['local', 9]] } }] });
    const agents = await room.open();
    expect(await agents.live()).toBe(0);
  });

  test('[S-6] [L-12] a shutdown stops every agent and records it before the process ends', async () => {
    const ids = await started(3, 'echo up; sleep 60');
    await eventually(
      () => stateOf(ids[0]!),
      (one) => one?.state === 'running',
    );
    const exit = once(child!, 'exit');
    child?.kill('SIGTERM');
    expect(await exit).toEqual([0, null]);
    for (const agentId of ids) {
      const entry = await room.store.get(['agents', 'record', agentId]);
      expect(entry?.value).toMatchObject({ state: 'failed', exitReason: 'shutdown', cleanup: { lease: clean.lease } });
    }
    expect(await room.store.list(['agents', 'lease'])).toEqual([]);
    const agents = await room.open();
    expect(await agents.live()).toBe(0);
  });

  test('[K-15] an agent whose process is gone can be killed before anyone looked after it', async () => {
    const [agentId = ''] = await started(1, 'sleep 60');
    const agents = await room.open();
    await eventually(
      () => stateOf(agentId),
      (one) => one?.state === 'running',
    );
    await crashed();
    expect((await agents.kill(agentId, admin, 'stop')).killed).toEqual([agentId]);
    expect(await cleaned(agents, agentId)).toMatchObject({ state: 'killed', actor: admin, cleanup: clean });
  });

  test.each(['one', 'all'])(
    '[K-1] [L-6] [K-6] a spoke that dies in the middle of the kill of %s records it at its next start: killed, by whom and why',
    async (which) => {
      const ids = await started(2, `trap 'echo asked' TERM; echo up; while :; do sleep 0.1; done`, 60_000);
      const outputs = () => Promise.all(ids.map(async (agentId) => (await stateOf(agentId))?.outputBytes));
      await eventually(outputs, (all) => all.every((bytes) => bytes === 3));
      child?.stdin?.write(`${which === 'one' ? ids[0] : 'all'}\n`);
      await eventually(outputs, ([first]) => first === 9);
      await crashed();
      expect((await stateOf(ids[0]!))?.state).toBe('running');
      const agents = await room.open();
      const killed = {
        state: 'killed',
        exitReason: 'killed',
        reason: 'it went wrong',
        actor: operator,
        cleanup: clean,
      };
      expect(await cleaned(agents, ids[0]!)).toMatchObject(killed);
      const other = which === 'all' ? killed : { state: 'failed', exitReason: 'spoke_restarted' };
      expect(await cleaned(agents, ids[1]!)).toMatchObject(other);
      const told = (await room.events()).filter(({ type }) => type === 'agent.killed');
      expect(told.map(({ subject }) => subject).sort()).toEqual(which === 'all' ? [...ids].sort() : [ids[0]]);
    },
  );

  test('[K-3] what waited under a latch when its spoke died is killed at the next start and never begun', async () => {
    const ids = await started(4, `trap 'echo asked' TERM; echo up; while :; do sleep 0.1; done`, 60_000);
    const states = () => Promise.all(ids.map(stateOf));
    await eventually(states, ([first]) => first?.outputBytes === 3);
    await crashed();
    const waited = (await states()).flatMap((one, n) => (one?.phase === 'queued' ? [ids[n]!] : []));
    const latch = { scope: 'all', actor: operator, reason: 'it went wrong', setAt: new Date().toISOString() };
    await room.store.commit({ puts: [{ key: ['agents', 'latch', 'all'], value: latch }] });
    const agents = await room.open();
    for (const agentId of ids) {
      expect(await cleaned(agents, agentId)).toMatchObject({ state: 'killed', actor: operator });
      const types = (await room.events()).filter(({ subject }) => subject === agentId).map(({ type }) => type);
      if (waited.includes(agentId)) expect(types).toEqual(['agent.spawned', 'agent.killed', 'agent.cleanup']);
    }
  });

  test('[O-6] the agents of a process that lives are left alone', async () => {
    const [agentId = ''] = await started(1, 'sleep 60');
    await eventually(
      () => stateOf(agentId),
      (one) => one?.state === 'running',
    );
    const agents = await room.open({ options: { sweepMs: 20 } });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect((await agents.get(agentId)).state).toBe('running');
    expect((await agents.kill(agentId, admin, 'over')).killed).toEqual([agentId]);
    await cleaned(agents, agentId);
  });

  test('[L-11] who lost the lease stops what another has recorded as ended, and cleans up its own', async () => {
    const first = await room.open({ options: { sweepMs: 50 } });
    const { agentId } = await first.spawn(room.request('echo up; sleep 60'));
    await inState(first, agentId, 'running');
    for (const { key } of await room.store.list(['agents', 'holder'])) await room.store.commit({ deletes: [key] });
    const second = await room.open({ options: { sweepMs: 50, stateDir: join(room.folder, 'second') } });
    expect(await inState(second, agentId, 'failed')).toMatchObject({ exitReason: 'spoke_restarted' });
    expect(await cleaned(first, agentId)).toMatchObject({ state: 'failed', cleanup: clean });
    expect(await second.live()).toBe(0);
    const ends = (await room.events()).filter(({ type }) => type === 'agent.failed');
    expect(ends).toHaveLength(1);
  });

  test('[W-3] after a reset of the store what is on disk belongs to nobody known, and is kept', async () => {
    const [agentId = ''] = await started(1, 'echo precious > work.txt; echo up; sleep 60');
    await eventually(
      () => stateOf(agentId),
      (one) => one?.state === 'running',
    );
    await crashed();
    const fresh = await openSqliteStore({ path: join(room.folder, 'fresh.sqlite') });
    const agents = await room.open({ store: () => fresh });
    expect(await readdir(join(room.folder, 'worktrees', 'agents'))).toEqual([agentId]);
    expect(room.log.lines.join('\n')).toContain('this store does not know: kept');
    await agents.close();
    await fresh.close();
  });

  test('a clean-up that a crash interrupted is resumed', async () => {
    const agents = await room.open();
    const { agentId } = await agents.spawn(room.request('true'));
    await cleaned(agents, agentId);
    await agents.close();
    const lease = {
      agentId,
      owner: 'local',
      holder: 'gone',
      site: await siteOf(room),
      ending: { done: {}, attempts: 0 },
    };
    await room.store.commit({ puts: [{ key: ['agents', 'lease', agentId], value: lease }] });
    await room.open();
    await eventually(
      () => room.store.list(['agents', 'lease']),
      (left) => left.length === 0,
    );
  });

  test('a second instance on the same folder keeps its site', async () => {
    const agents = await room.open();
    const site = await siteOf(room);
    await agents.close();
    await writeFile(join(room.folder, 'agents', 'unrelated'), '');
    await room.open();
    expect(await siteOf(room)).toBe(site);
  });

  const siteOf = ({ folder }: Room) => readFile(join(folder, 'agents', 'site'), 'utf8');

  test('[S-6] nothing is spawned any more while the room closes', async () => {
    const agents = await room.open();
    const { agentId } = await agents.spawn(room.request('sleep 60'));
    await inState(agents, agentId, 'running');
    const closing = agents.close();
    await expect(agents.spawn(room.request('true'))).rejects.toMatchObject({ code: 'peer_unavailable' });
    await closing;
    expect(await agents.get(agentId)).toMatchObject({ state: 'failed', exitReason: 'shutdown' });
  });
});
