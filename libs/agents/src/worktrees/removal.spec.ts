// A worktree goes only after its work is kept, also when a crash came between.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { GitWorktrees } from './git-worktrees.js';
import { codeOf, WorktreeRoom } from '../../../../test/support/worktree-room.js';

let room: WorktreeRoom;
beforeEach(() => {
  room = new WorktreeRoom();
});
afterEach(() => room.close());

describe('removal', () => {
  test('[W-1] dirty files and unpushed commits are kept under a ref before anything is removed', async () => {
    const { path, agentId } = await room.create();
    writeFileSync(join(path, 'sum.js'), 'committed\n');
    room.commitAll(path, 'unpushed');
    writeFileSync(join(path, 'lib', 'a.js'), 'dirty\n');
    writeFileSync(join(path, 'untracked'), 'untracked\n');
    expect(await room.worktrees.remove(agentId)).toBe('removed');
    expect(existsSync(path)).toBe(false);
    expect(room.kept(agentId, 'sum.js')).toBe('committed');
    expect(room.kept(agentId, 'lib/a.js')).toBe('dirty');
    expect(room.kept(agentId, 'untracked')).toBe('untracked');
    expect(await room.worktrees.known()).toEqual([]);
    expect(await room.worktrees.remove(agentId)).toBe('absent');
    expect(readdirSync(join(room.root, 'trash'))).toEqual([]);
  });

  test('[W-1] when the work cannot be kept nothing is removed', async () => {
    const { path, agentId } = await room.create();
    writeFileSync(join(path, 'sum.js'), 'precious\n');
    const mirror = room.mirror;
    renameSync(mirror, `${mirror}.away`);
    await expect(room.worktrees.remove(agentId)).rejects.toThrow();
    expect(readFileSync(join(path, 'sum.js'), 'utf8')).toBe('precious\n');
    renameSync(`${mirror}.away`, mirror);
    expect(await room.worktrees.remove(agentId)).toBe('removed');
    expect(room.kept(agentId, 'sum.js')).toBe('precious');
  });

  test('[W-1] work in a repository inside the worktree and in unreadable files is kept', async () => {
    const { path, agentId } = await room.create();
    for (const name of ['inner', 'empty']) {
      mkdirSync(join(path, name));
      room.git(join(path, name), 'init', '--quiet');
      writeFileSync(join(path, name, 'file'), `${name}\n`);
    }
    room.commitAll(join(path, 'inner'), 'inner');
    mkdirSync(join(path, 'closed'));
    writeFileSync(join(path, 'closed', 'file'), 'closed\n', { mode: 0o000 });
    chmodSync(join(path, 'closed'), 0o000);
    await room.worktrees.remove(agentId);
    expect(room.kept(agentId, 'inner/file')).toBe('inner');
    expect(room.kept(agentId, 'empty/file')).toBe('empty');
    expect(room.kept(agentId, 'closed/file')).toBe('closed');
  });

  test('[W-1] commits on other branches, stashes and a detached HEAD are kept too', async () => {
    const { path, agentId, branch } = await room.create();
    room.git(path, 'switch', '--quiet', '--create', 'side/way');
    writeFileSync(join(path, 'sum.js'), 'on the side\n');
    const side = room.commitAll(path, 'side');
    room.git(path, 'switch', '--quiet', branch);
    writeFileSync(join(path, 'sum.js'), 'put away\n');
    room.git(path, 'stash', '--quiet');
    const stash = room.git(path, 'rev-parse', 'refs/stash');
    room.git(path, 'switch', '--quiet', '--detach');
    writeFileSync(join(path, 'sum.js'), 'detached\n');
    room.commitAll(path, 'detached');
    await room.worktrees.remove(agentId);
    const mirror = room.mirror;
    const others = room
      .git(mirror, 'for-each-ref', '--format=%(objectname)', `refs/writ/kept-others/${agentId}`)
      .split('\n');
    expect(others.sort()).toEqual([side, stash].sort());
    expect(room.kept(agentId, 'sum.js')).toBe('detached');
  });

  test('[W-3] a worktree whose record is missing is nobody’s to remove', async () => {
    const { path, agentId } = await room.create();
    rmSync(join(room.root, 'records'), { recursive: true });
    expect(await codeOf(room.worktrees.remove(agentId))).toBe('invalid_transition');
    expect(existsSync(path)).toBe(true);
  });

  test('[W-5] a worktree is neither harvested nor removed under a live agent', async () => {
    const { path, agentId } = await room.create();
    let lives = true;
    const guarded = new GitWorktrees({
      root: room.root,
      allowFile: true,
      inUse: async (id) => lives && id === agentId,
    });
    expect(await codeOf(guarded.remove(agentId))).toBe('invalid_transition');
    expect(await codeOf(guarded.harvest(agentId, 'no'))).toBe('invalid_transition');
    expect(existsSync(path)).toBe(true);
    lives = false;
    expect(await guarded.remove(agentId)).toBe('removed');
  });
});

describe('after a crash', () => {
  function stateOf(agentId: string): { state: string } {
    return JSON.parse(readFileSync(join(room.root, 'records', `${agentId}.json`), 'utf8')) as { state: string };
  }

  function setState(agentId: string, state: string): void {
    writeFileSync(join(room.root, 'records', `${agentId}.json`), JSON.stringify({ ...stateOf(agentId), state }));
  }

  test('a worktree that was half made is made anew, or removed', async () => {
    const { path, agentId, base } = await room.create();
    setState(agentId, 'making');
    rmSync(join(path, '.git'), { recursive: true });
    rmSync(join(path, 'sum.js'));
    room.worktrees = new GitWorktrees({ root: room.root, allowFile: true });
    expect((await room.create(agentId)).base).toBe(base);
    expect(room.git(path, 'status', '--porcelain')).toBe('');
    setState(agentId, 'making');
    expect(await room.worktrees.remove(agentId)).toBe('removed');
    expect(await room.worktrees.known()).toEqual([]);
  });

  test('a removal that was cut after the work was kept goes on', async () => {
    const { agentId, path } = await room.create();
    writeFileSync(join(path, 'sum.js'), 'work\n');
    await room.worktrees.harvest(agentId, 'work');
    const copy = join(room.folder, 'copy');
    execFileSync('cp', ['-a', join(room.root, 'agents', agentId), copy]);
    await room.worktrees.remove(agentId);
    execFileSync('cp', ['-a', copy, join(room.root, 'agents', agentId)]);
    execFileSync('cp', ['-a', copy, join(room.root, 'trash', 'left')]);
    room.worktrees = new GitWorktrees({ root: room.root, allowFile: true });
    expect(await room.worktrees.known()).toEqual([agentId]);
    expect(await room.worktrees.remove(agentId)).toBe('removed');
    expect(await room.worktrees.known()).toEqual([]);
    expect(readdirSync(join(room.root, 'trash'))).toEqual([]);
    expect(room.kept(agentId, 'sum.js')).toBe('work');
    expect(await codeOf(room.create(agentId))).toBe('invalid_transition');
  });

  test('locks that a dead git left in a mirror do not stop the next life', async () => {
    await room.create();
    const mirror = room.mirror;
    const heads = join(mirror, 'refs', 'writ', 'heads');
    for (const name of readdirSync(heads)) writeFileSync(join(heads, `${name}.lock`), '');
    writeFileSync(join(room.source, 'sum.js'), 'newer\n');
    room.commitAll(room.source, 'newer');
    room.worktrees = new GitWorktrees({ root: room.root, allowFile: true });
    expect((await room.create()).base).toBe(room.git(room.source, 'rev-parse', 'main'));
  });
});
