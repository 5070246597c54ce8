import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Sandbox, Worktrees } from '#agents';
import { admin, cleaned, eventually, inState, Room } from '../../../../test/support/agents.js';
import { SlowWorktrees, StubbornSandbox } from '../../../../test/support/faults.js';
import type { LocalAgents } from '../local.js';

const clean = { sandbox: { outcome: 'done' }, worktree: { outcome: 'done' }, lease: { outcome: 'done' } };

describe('clean-up', () => {
  let room: Room;
  let agents: LocalAgents;

  beforeAll(async () => {
    room = await Room.make();
    agents = await room.open();
  });
  afterAll(() => room.close());

  const onDisk = async () => {
    const sandboxes = await Promise.all(['none', 'unshare', 'namespace'].map((level) => listed('sandboxes', level)));
    return [...sandboxes.flat(), ...(await listed('worktrees', 'agents'))];
  };
  const listed = (...path: string[]) => readdir(join(room.folder, ...path)).catch(() => []);

  test.each([
    ['completed', 'true', undefined],
    ['failed', 'exit 1', undefined],
    ['killed', 'sleep 60', 'kill'],
    ['failed', 'sleep 60', 'deadline'],
  ])(
    '[L-8] after %s (%s) nothing of the agent is left: no process, no sandbox, no worktree, no lease',
    async (state, script, end) => {
      const limits = end === 'deadline' ? { wallMs: 3_000 } : {};
      const { agentId } = await agents.spawn(room.request(script, { limits }));
      if (end === 'kill') {
        await inState(agents, agentId, 'running');
        await agents.kill(agentId, admin, 'stop');
      }
      expect(await cleaned(agents, agentId)).toMatchObject({ state, cleanup: clean });
      expect((await onDisk()).filter((name) => name.includes(agentId))).toEqual([]);
      expect(await room.store.list(['agents', 'lease'])).toEqual([]);
    },
  );

  test('[L-8] background children that outlive their agent are stopped before it is recorded as ended', async () => {
    const { agentId } = await agents.spawn(room.request('setsid sleep 6174 & exit 0'));
    expect(await cleaned(agents, agentId)).toMatchObject({ state: 'completed', cleanup: clean });
    for (const sandbox of ['none', 'unshare', 'namespace'])
      expect(await listed('sandboxes', sandbox, agentId)).toEqual([]);
  });

  test('[W-1] what a killed agent had not committed is kept under its branch', async () => {
    const { agentId } = await agents.spawn(room.request('echo precious > work.txt; echo ready; sleep 60'));
    await eventually(
      () => agents.output(agentId, 0, 100),
      ({ text }) => text === 'ready\n',
    );
    await agents.kill(agentId, admin, 'stop');
    await cleaned(agents, agentId);
    expect((await agents.diff(agentId)).text).toContain('+precious');
  });

  test('[K-7] a step that had nothing to do says skipped and why', async () => {
    const request = room.request('true');
    const context = { ...request.args.context, branch: 'no-such-branch' };
    const { agentId } = await agents.spawn({ ...request, args: { ...request.args, context } });
    const { cleanup } = await cleaned(agents, agentId);
    expect(cleanup?.sandbox).toEqual({ outcome: 'skipped', reason: 'Nothing was started.' });
  });
});

describe('clean-up, when a step fails', () => {
  let room: Room;
  beforeAll(async () => {
    room = await Room.make();
  });
  afterAll(() => room.close());

  test('[K-2] [L-9] a failed step is told without paths, remembered, and tried again until it is done', async () => {
    let slow: SlowWorktrees | undefined;
    const worktrees = (inner: Worktrees) => (slow = new SlowWorktrees(inner));
    const agents = await room.open({ worktrees, options: { sweepMs: 50 } });
    slow?.unremovable.add('*');
    const { agentId } = await agents.spawn(room.request('true'));
    const { cleanup } = await cleaned(agents, agentId);
    expect(cleanup?.sandbox.outcome).toBe('done');
    expect(cleanup?.worktree.outcome).toBe('failed');
    expect(cleanup?.worktree.reason).not.toContain('/srv');
    expect(cleanup?.lease.outcome).toBe('skipped');
    slow?.unremovable.clear();
    await eventually(
      () => agents.get(agentId),
      (agent) => agent.cleanup?.lease.outcome === 'done',
    );
    const told = (await room.events()).filter(({ subject, type }) => subject === agentId && type === 'agent.cleanup');
    expect(told).toHaveLength(2);
    await agents.close();
  });

  test('[S-6] a shutdown waits for a clean-up that is tried again, so that nothing of it goes on behind its end', async () => {
    let slow: SlowWorktrees | undefined;
    const worktrees = (inner: Worktrees) => (slow = new SlowWorktrees(inner));
    const agents = await room.open({ worktrees, options: { sweepMs: 50 } });
    const { promise: held, resolve: letGo } = Promise.withResolvers<undefined>();
    slow?.unremovable.add('*');
    const { agentId } = await agents.spawn(room.request('true'));
    await cleaned(agents, agentId);
    slow?.unremovable.clear();
    Object.assign(slow ?? {}, { held, removals: [] });
    await eventually(
      () => Promise.resolve(slow?.removals.length),
      (count) => count === 1,
    );
    const closing = agents.close();
    setTimeout(letGo, 300, undefined);
    await closing;
    expect((await agents.get(agentId)).cleanup).toEqual(clean);
  });

  test('[O-6] whoever lives cleans up after its own agents: nobody does it beside it', async () => {
    const worktrees: SlowWorktrees[] = [];
    const noted = (inner: Worktrees) => worktrees[worktrees.push(new SlowWorktrees(inner)) - 1]!;
    const first = await room.open({ worktrees: noted, options: { sweepMs: 50 } });
    worktrees[0]?.unremovable.add('*');
    const { agentId } = await first.spawn(room.request('true'));
    await cleaned(first, agentId);
    const second = await room.open({ worktrees: noted, options: { sweepMs: 20 } });
    await eventually(
      () => Promise.resolve(worktrees[0]?.removals.length ?? 0),
      (count) => count >= 5,
    );
    expect(worktrees[1]?.removals).toEqual([]);
    await first.close();
    expect(
      await eventually(
        () => second.get(agentId),
        ({ cleanup }) => cleanup?.lease.outcome === 'done',
      ),
    ).toMatchObject({
      cleanup: clean,
    });
    await second.close();
  });

  test('[W-5] a worktree is not removed while something may live in it', async () => {
    const stubborn = new Set<string>();
    const sandboxes = (inner: readonly Sandbox[]) => inner.map((one) => new StubbornSandbox(one, stubborn));
    const agents = await room.open({ sandboxes, options: { graceMs: 100, stepMs: 5_000, killMs: 1_000 } });
    const { agentId } = await agents.spawn(room.request('echo up; sleep 60'));
    await inState(agents, agentId, 'running');
    stubborn.add(agentId);
    const report = await agents.kill(agentId, admin, 'stop');
    expect(report.failed).toHaveLength(1);
    expect(await readdir(join(room.folder, 'worktrees', 'agents'))).toContain(agentId);
    stubborn.clear();
    expect(await cleaned(agents, agentId)).toMatchObject({ state: 'killed', cleanup: clean });
  });
});
