import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { GcItem } from '#protocol';
import { openSqliteStore } from '#store';
import { cleaned, eventually, inState, Room } from '../../../../test/support/agents.js';
import { descendants } from '../../../../test/support/processes.js';
import { GitWorktrees } from '../worktrees/git-worktrees.js';
import { openSandboxes } from '../sandbox/open.js';

const run = promisify(execFile);
const now = { dryRun: false, confirmReset: false };
const dry = { ...now, dryRun: true };

describe('garbage collection', () => {
  let room: Room;

  beforeEach(async () => {
    room = await Room.make();
  });
  afterEach(() => room.close());

  const open = (gc: object, more: object = {}) =>
    room.open({ options: { gc: { everyMs: 86_400_000, ...gc }, ...more } });

  /** A worktree with a commit, a changed file and a new one, of an agent that no store knows. */
  const stray = async (): Promise<string> => {
    const agentId = randomUUID();
    const worktrees = new GitWorktrees({ root: join(room.folder, 'worktrees'), allowFile: true });
    const request = { agentId, repository: room.repository, branch: 'main' };
    const { path } = await worktrees.create(request, new AbortController().signal);
    await writeFile(join(path, 'committed.txt'), 'one');
    await run('git', ['-C', path, 'add', '-A']);
    await run('git', ['-C', path, '-c', 'user.name=T', '-c', 'user.email=t@example.org', 'commit', '-qm', 'mine']);
    await writeFile(join(path, 'committed.txt'), 'two');
    await writeFile(join(path, 'precious.txt'), 'precious');
    return agentId;
  };
  const onDisk = () => readdir(join(room.folder, 'worktrees', 'agents'));
  const mirrors = () => readdir(join(room.folder, 'worktrees', 'mirrors')).catch(() => []);
  const inMirror = async (...args: string[]) => {
    const [mirror = ''] = await mirrors();
    return (await run('git', ['--git-dir', join(room.folder, 'worktrees', 'mirrors', mirror), ...args])).stdout;
  };
  const about = (items: readonly GcItem[], kind: GcItem['kind'], id?: string) =>
    items.filter((item) => item.kind === kind && (id === undefined || item.id === id));

  test('[W-1] [W-2] a worktree without an agent is looked at, its work kept under a ref, and then removed', async () => {
    const agents = await open({ graceMs: 0 });
    const agentId = await stray();
    const planned = await agents.gc(dry);
    expect(about(planned.items, 'worktree')).toMatchObject([
      { id: agentId, outcome: 'removed', work: { dirty: 2, unpushed: 1, unmerged: 1 } },
    ]);
    expect(await onDisk()).toEqual([agentId]);
    const report = await agents.gc(now);
    const ref = `refs/writ/kept/${agentId}`;
    expect(about(report.items, 'worktree')).toMatchObject([{ id: agentId, outcome: 'removed', keptAs: ref }]);
    expect(report.freedBytes).toBeGreaterThan(0);
    expect(await onDisk()).toEqual([]);
    expect(await inMirror('show', `${ref}:precious.txt`)).toBe('precious');
    expect(await inMirror('show', `${ref}:committed.txt`)).toBe('two');
  });

  test('[W-2] until its grace is over it stays, and the answer says until when', async () => {
    const agents = await open({ graceMs: 3_600_000 });
    const agentId = await stray();
    const { items } = await agents.gc(now);
    const [item] = about(items, 'worktree', agentId);
    expect(item?.outcome).toBe('kept');
    expect(item?.reason).toContain('In its grace until');
    expect(await onDisk()).toEqual([agentId]);
  });

  test('[W-2] it is done without being asked, from time to time', async () => {
    await (await open({})).close();
    const agentId = await stray();
    await open({ graceMs: 0, everyMs: 100 });
    await eventually(onDisk, (left) => left.length === 0);
    expect(await inMirror('show', `refs/writ/kept/${agentId}:precious.txt`)).toBe('precious');
  });

  test('[W-1] what cannot be kept is not removed, and the answer says so', async () => {
    const agents = await open({ graceMs: 0 });
    const agentId = await stray();
    await rm(join(room.folder, 'worktrees', 'agents', agentId, 'git', 'objects'), { recursive: true });
    const { items } = await agents.gc(now);
    expect(about(items, 'worktree', agentId)).toMatchObject([{ outcome: 'skipped' }]);
    expect(await onDisk()).toEqual([agentId]);
  });

  test('[W-3] after a reset of the store nothing goes, whatever the budget, until somebody confirms it', async () => {
    const first = await open({ graceMs: 0 });
    const { agentId: ended } = await first.spawn(room.request('echo made > made.txt; echo said'));
    await cleaned(first, ended);
    const agentId = await stray();
    await first.close();
    const fresh = await openSqliteStore({ path: join(room.folder, 'fresh.sqlite') });
    const gc = { graceMs: 0, keptMs: 0, diskBytesMax: 1, everyMs: 86_400_000 };
    const agents = await room.open({ store: () => fresh, options: { gc } });
    const before = await agents.gc(now);
    expect(before).toMatchObject({ storeKnown: false, freedBytes: 0 });
    expect(before.advice).toContain('--confirm-reset');
    expect(before.items.map(({ outcome }) => outcome)).toEqual(before.items.map(() => 'kept'));
    expect(await onDisk()).toEqual([agentId]);
    expect(await inMirror('show', `refs/writ/kept/${ended}:made.txt`)).toBe('made\n');
    await agents.close();

    const kept = await room.open({ store: () => fresh, options: { gc: { ...gc, keptMs: 3_600_000 } } });
    const after = await kept.gc({ ...now, confirmReset: true });
    expect(after).toMatchObject({ storeKnown: true });
    expect(about(after.items, 'worktree', agentId)).toMatchObject([{ outcome: 'removed' }]);
    expect(await inMirror('show', `refs/writ/kept/${agentId}:precious.txt`)).toBe('precious');
    expect(await inMirror('show', `refs/writ/kept/${ended}:made.txt`)).toBe('made\n');
    await kept.close();
    await fresh.close();
  });

  test('[W-3] a confirmation lets the grace begin anew', async () => {
    const agents = await open({ graceMs: 0 });
    await agents.close();
    const agentId = await stray();
    const fresh = await openSqliteStore({ path: join(room.folder, 'fresh.sqlite') });
    const later = await room.open({ store: () => fresh, options: { gc: { graceMs: 3_600_000, everyMs: 86_400_000 } } });
    const old = new Date(Date.now() - 86_400_000);
    await utimes(join(room.folder, 'worktrees', 'records', `${agentId}.json`), old, old);
    const { items } = await later.gc({ ...now, confirmReset: true });
    expect(about(items, 'worktree', agentId)).toMatchObject([{ outcome: 'kept' }]);
    expect((await later.gc(now)).storeKnown).toBe(true);
    await later.close();
    await fresh.close();
  });

  test('[W-3] where no mark was ever made, strangers on the disk make none', async () => {
    const agentId = await stray();
    const agents = await open({ graceMs: 0 });
    expect(await agents.gc(now)).toMatchObject({ storeKnown: false });
    expect(await onDisk()).toEqual([agentId]);
  });

  test('[W-5] [W-2] nothing of a live agent goes, neither by age nor for the budget', async () => {
    const agents = await open({ graceMs: 0, keptMs: 0, diskBytesMax: 1 });
    const { agentId } = await agents.spawn(room.request('echo up; echo mine > mine.txt; sleep 60'));
    await inState(agents, agentId, 'running');
    await eventually(
      () => agents.get(agentId),
      (agent) => agent.outputBytes > 0,
    );
    const report = await agents.gc(now);
    expect(report.items.filter(({ outcome }) => outcome === 'removed')).toEqual([]);
    expect(about(report.items, 'worktree', agentId)).toMatchObject([{ reason: 'The agent lives.' }]);
    expect(report.advice).toContain('budget');
    expect((await agents.get(agentId)).state).toBe('running');
    expect((await agents.output(agentId, 0, 100)).text).toBe('up\n');
    expect(await onDisk()).toEqual([agentId]);
  });

  test('a process that runs in a sandbox no agent owns is ended, and its record goes', async () => {
    const agents = await open({ graceMs: 0 });
    const agentId = randomUUID();
    const sandboxes = await openSandboxes({ stateDir: join(room.folder, 'sandboxes'), allowNone: true });
    const before = new Set(descendants(process.pid).map(({ pid }) => pid));
    const spec = { agentId, argv: ['/bin/sleep', '6177'], env: {}, cwd: '/', mounts: [], limits: {} } as const;
    const child = await sandboxes.at('none')!.launch(spec, new AbortController().signal);
    const report = await agents.gc(now);
    await child.end;
    expect(about(report.items, 'sandbox', agentId)).toMatchObject([{ outcome: 'removed' }]);
    const left = descendants(process.pid).filter(({ pid, command }) => !before.has(pid) && command.includes('6177'));
    expect(left).toEqual([]);
    expect(await sandboxes.at('none')!.known()).toEqual([]);
  });

  describe('the disk budget', () => {
    const finished = async (agents: Awaited<ReturnType<typeof open>>, script: string) => {
      const { agentId } = await agents.spawn(room.request(script));
      await cleaned(agents, agentId);
      return agentId;
    };
    const outputs = () => readdir(join(room.folder, 'agents', 'output'));

    test('[W-2] the oldest output goes first, and only as much as has to', async () => {
      const first = await open({ graceMs: 0 });
      const big = 'head -c 300000 /dev/zero | tr "\\\\0" x; echo';
      const older = await finished(first, big);
      const newer = await finished(first, big);
      const hourAgo = new Date(Date.now() - 3_600_000);
      await utimes(join(room.folder, 'agents', 'output', older), hourAgo, hourAgo);
      const { diskBytes } = await first.gc(dry);
      await first.close();
      const second = await open({ graceMs: 0, diskBytesMax: diskBytes - 1 });
      const report = await second.gc(now);
      expect(about(report.items, 'output', older)).toContainEqual(expect.objectContaining({ outcome: 'removed' }));
      expect(await outputs()).toEqual([newer]);
      expect(report.advice).toBeUndefined();
    });

    test('[W-2] kept work goes last, when it is old, and never before; the mirror follows and is made anew when needed', async () => {
      const first = await open({ graceMs: 0, diskBytesMax: 1, keptMs: 3_600_000 });
      const agentId = await finished(first, 'echo made > made.txt; echo said');
      const young = await first.gc(now);
      expect(about(young.items, 'kept')).toEqual([]);
      expect(young.advice).toContain('gc.keptMs');
      expect(await outputs()).toEqual([]);
      expect(await inMirror('show', `refs/writ/kept/${agentId}:made.txt`)).toBe('made\n');
      await first.close();

      const second = await open({ graceMs: 0, diskBytesMax: 1, keptMs: 0 });
      const old = await second.gc(now);
      expect(about(old.items, 'kept', agentId)).toMatchObject([{ outcome: 'removed' }]);
      expect(await inMirror('for-each-ref', 'refs/writ/kept')).toBe('');
      expect(await second.diff(agentId)).toEqual({ text: '', truncated: false });
      const last = await second.gc(now);
      expect(about(last.items, 'mirror')).toMatchObject([{ outcome: 'removed' }]);
      expect(await mirrors()).toEqual([]);
      const again = await finished(second, 'cat hello.txt');
      expect(await second.get(again)).toMatchObject({ state: 'completed' });
    });

    test('[W-5] a mirror stays while a worktree is being made from it', async () => {
      const agents = await open({ graceMs: 0, diskBytesMax: 1, keptMs: 0 });
      const spawned = await Promise.all(Array.from({ length: 6 }, () => agents.spawn(room.request('cat hello.txt'))));
      const collecting = (async () => {
        for (let n = 0; n < 10; n++) await agents.gc(now);
      })();
      const ends = await Promise.all(spawned.map(({ agentId }) => cleaned(agents, agentId)));
      await collecting;
      expect(ends.map(({ state }) => state)).toEqual(ends.map(() => 'completed'));
    });
  });
});
