// Worktrees that were made ahead: as good as new ones, and nobody sees in them what is not theirs.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { never, WorktreeRoom } from '../../../../test/support/worktree-room.js';
import { GitWorktrees } from './git-worktrees.js';

let room: WorktreeRoom;
let worktrees: GitWorktrees;
const open = (ready = { max: 2, filesMin: 1 }) => new GitWorktrees({ root: room.root, allowFile: true, ready });

beforeEach(() => {
  room = new WorktreeRoom();
  worktrees = open();
});
afterEach(async () => {
  await worktrees.stock.settled();
  room.close();
});

const create = (branch = 'main') =>
  worktrees.create({ agentId: randomUUID(), repository: room.repository, branch }, never);
/** Which folder it is, whatever it is called: the file system gives a number again once its folder is gone. */
const folder = (path: string) => {
  const { ino, birthtimeNs } = statSync(path, { bigint: true });
  return `${String(ino)}@${String(birthtimeNs)}`;
};
const readyIds = () => (existsSync(join(room.root, 'ready')) ? readdirSync(join(room.root, 'ready')) : []);
/** The only one that lies ready. */
const readyTree = () => join(room.root, 'ready', readyIds()[0] ?? 'none', 'tree');

/** After it something lies ready for main. */
async function stocked(): Promise<string> {
  await create();
  await worktrees.stock.settled();
  expect(readyIds()).toHaveLength(1);
  return folder(readyTree());
}

describe('a worktree made ahead', () => {
  test('is handed to the next agent of its branch as if it had been made for it, and another takes its place', async () => {
    const made = await stocked();
    const [ready = ''] = readyIds();
    const { path, agentId, branch, base } = await create();
    expect(folder(path)).toBe(made);
    expect(base).toBe(room.git(room.source, 'rev-parse', 'main'));
    expect(room.git(path, 'status', '--porcelain', '--branch')).toBe(`## ${branch}`);
    expect(room.git(path, 'log', '--format=%s')).toBe('first');
    expect(room.git(path, 'for-each-ref', '--format=%(refname)')).toBe(
      `refs/heads/${branch}\nrefs/remotes/origin/main`,
    );
    expect(room.git(path, 'rev-parse', 'origin/main', 'HEAD')).toBe(`${base}\n${base}`);
    await worktrees.stock.settled();
    const named = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) => name.includes(ready));
    expect([named, room.mirrorRefs().filter((ref) => ref.includes(ready))]).toEqual([[], []]);
    expect(readyIds()).toHaveLength(1);
    expect(readyIds()).not.toContain(ready);
    writeFileSync(join(path, 'sum.js'), 'one\ntwo\nthree\n');
    room.commitAll(path, 'own');
    writeFileSync(join(path, 'left'), 'left\n');
    const harvest = await worktrees.harvest(agentId, 'left\n');
    expect(harvest).toMatchObject({ branch, changes: { files: 2, insertions: 2, deletions: 0 } });
    expect(await worktrees.remove(agentId)).toBe('removed');
    expect((await worktrees.diff(agentId, 10_000)).text).toContain('+three');
  });

  test('is brought to what the branch has become since', async () => {
    const made = await stocked();
    writeFileSync(join(room.source, 'sum.js'), 'newer\n');
    writeFileSync(join(room.source, 'more.js'), 'more\n');
    const newer = room.commitAll(room.source, 'second');
    const { path, base, branch, agentId } = await create();
    expect([folder(path), base]).toEqual([made, newer]);
    expect(readFileSync(join(path, 'sum.js'), 'utf8')).toBe('newer\n');
    expect(room.git(path, 'status', '--porcelain', '--branch')).toBe(`## ${branch}`);
    expect(room.git(path, 'log', '--format=%s', 'origin/main')).toBe('second\nfirst');
    expect(await worktrees.harvest(agentId, 'nothing')).toBeNull();
    writeFileSync(join(path, 'more.js'), 'changed\n');
    expect(await worktrees.harvest(agentId, 'one')).toMatchObject({ changes: { files: 1 } });
  });

  test('is not used when what it was made of is no past of the branch any more: nobody sees what was taken back', async () => {
    writeFileSync(join(room.source, 'secret'), 'taken back\n');
    room.commitAll(room.source, 'too much');
    const made = await stocked();
    room.git(room.source, 'reset', '--quiet', '--hard', 'HEAD~1');
    writeFileSync(join(room.source, 'sum.js'), 'instead\n');
    const base = room.commitAll(room.source, 'instead');
    const worktree = await create();
    expect(worktree.base).toBe(base);
    expect(folder(worktree.path)).not.toBe(made);
    const objects = room
      .git(worktree.path, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)')
      .split('\n');
    expect(objects.some((name) => room.git(worktree.path, 'cat-file', '-p', name).includes('taken back'))).toBe(false);
    expect(existsSync(join(worktree.path, 'secret'))).toBe(false);
  });

  test('is for its own branch, and for one agent', async () => {
    const made = await stocked();
    room.git(room.source, 'branch', 'other');
    const other = await create('other');
    expect(folder(other.path)).not.toBe(made);
    const three = await Promise.all([create(), create(), create()]);
    expect(three.filter(({ path }) => folder(path) === made)).toHaveLength(1);
    for (const { path, branch } of three)
      expect(room.git(path, 'status', '--porcelain', '--branch')).toBe(`## ${branch}`);
  });

  test('when it was damaged, a new one is made instead', async () => {
    const made = await stocked();
    const refs = join(readyTree(), '..', 'git', 'refs', 'heads');
    room.git(refs, 'update-ref', '-d', `refs/heads/writ/${readyIds()[0] ?? ''}`);
    const { path, branch } = await create();
    expect(folder(path)).not.toBe(made);
    expect(room.git(path, 'status', '--porcelain', '--branch')).toBe(`## ${branch}`);
  });
});

describe('what lies ready', () => {
  test('is nothing by default, and nothing of branches with few files', async () => {
    for (const few of [new GitWorktrees({ root: room.root, allowFile: true }), open({ max: 2, filesMin: 1_000 })]) {
      await few.create({ agentId: randomUUID(), repository: room.repository, branch: 'main' }, never);
      await few.stock.settled();
      expect(readyIds()).toEqual([]);
    }
  });

  test('stays below its limit: the oldest goes, and its commit is not held any more', async () => {
    const branches = ['a', 'b', 'c'];
    for (const branch of branches) {
      room.git(room.source, 'branch', branch);
      await create(branch);
      await worktrees.stock.settled();
    }
    expect(readyIds()).toHaveLength(2);
    const held = room.mirrorRefs().filter((ref) => ref.includes('refs/writ/base/'));
    expect(held).toHaveLength(branches.length + 2);
  });

  test('[W-2] goes at the word of the garbage collection, with its mirror, and at the next start', async () => {
    await stocked();
    const [lost] = readyIds();
    worktrees = open();
    await create();
    await worktrees.stock.settled();
    expect(readyIds()).toHaveLength(1);
    expect(readyIds()).not.toContain(lost);
    expect(room.mirrorRefs().filter((ref) => ref.includes(String(lost)))).toEqual([]);
    expect([await worktrees.stock.dropReady(), readyIds(), await worktrees.stock.dropReady()]).toEqual([
      true,
      [],
      false,
    ]);
    await create();
    await worktrees.stock.settled();
    for (const agentId of await worktrees.known()) await worktrees.remove(agentId);
    const [mirror] = await worktrees.stock.mirrors();
    expect([readyIds().length, await worktrees.stock.dropMirror(mirror!.id)]).toEqual([1, true]);
    await worktrees.stock.settled();
    expect(readyIds()).toEqual([]);
    expect(room.git((await create()).path, 'log', '--format=%s')).toBe('first');
  });
});
