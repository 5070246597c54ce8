// The way of an agent’s worktree, and what cannot be had: real repositories, real git, in temporary folders.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { GitWorktrees } from './git-worktrees.js';
import { codeOf, never, WorktreeRoom } from '../../../../test/support/worktree-room.js';

let room: WorktreeRoom;
beforeEach(() => {
  room = new WorktreeRoom();
});
afterEach(() => room.close());

describe('the way of an agent', () => {
  test('a worktree has the files and the branch of its agent, and git works in it', async () => {
    const { path, branch, base, agentId } = await room.create();
    expect(branch).toBe(`writ/${agentId}`);
    expect(base).toBe(room.git(room.source, 'rev-parse', 'main'));
    expect(readFileSync(join(path, 'sum.js'), 'utf8')).toBe('one\ntwo\n');
    expect(room.git(path, 'status', '--porcelain', '--branch')).toBe(`## ${branch}`);
    expect(room.git(path, 'log', '--format=%s')).toBe('first');
    writeFileSync(join(path, 'sum.js'), 'one\n');
    expect(room.git(path, 'diff', 'origin/main')).toContain('-two');
    expect(await room.worktrees.known()).toEqual([agentId]);
  });

  test('what the agent committed and what it left uncommitted come out together', async () => {
    const { path, agentId, base } = await room.create();
    writeFileSync(join(path, 'sum.js'), 'one\ntwo\nthree\n');
    const own = room.commitAll(path, 'the agent’s own words');
    writeFileSync(join(path, 'new file'), 'left\n');
    mkdirSync(join(path, 'build'));
    writeFileSync(join(path, 'build', 'out'), 'ignored');
    const harvest = await room.worktrees.harvest(agentId, 'left by the agent\n');
    expect(harvest).toMatchObject({ branch: `writ/${agentId}`, changes: { files: 2, insertions: 2, deletions: 0 } });
    const host = join(room.root, 'agents', agentId, 'git');
    expect(room.git(host, 'log', '--format=%s|%an|%cn', `${base}..${harvest!.commit}`)).toBe(
      'left by the agent|Writ agent|Writ agent\nthe agent’s own words|Somebody|Somebody',
    );
    expect(room.git(host, 'rev-parse', `${harvest!.commit}^`)).toBe(own);
    const { text } = await room.worktrees.diff(agentId, 100_000);
    expect(text).toContain('+three');
    expect(text).toContain('+left');
    expect(text).not.toContain('ignored');
  });

  test('commits that the agent packed, and a packed ref, come out too', async () => {
    const { path, agentId } = await room.create();
    writeFileSync(join(path, 'sum.js'), 'packed\n');
    const own = room.commitAll(path, 'packed');
    room.git(path, 'gc', '--quiet', '--prune=now');
    expect(await room.worktrees.harvest(agentId, 'nothing is left')).toMatchObject({ commit: own });
  });

  test('nothing changed is nothing harvested, and no ref is kept for it', async () => {
    const { agentId } = await room.create();
    expect(await room.worktrees.harvest(agentId, 'nothing')).toBeNull();
    expect(await room.worktrees.diff(agentId, 1_000)).toEqual({ text: '', truncated: false });
    expect(await room.worktrees.remove(agentId)).toBe('removed');
    expect(room.mirrorRefs().filter((ref) => ref.includes(agentId))).toEqual([]);
  });

  test('a diff is cut at its limit and says so, and is the same after the removal', async () => {
    const { path, agentId } = await room.create();
    writeFileSync(join(path, 'big'), 'line\n'.repeat(100_000));
    await room.worktrees.harvest(agentId, 'big');
    const whole = await room.worktrees.diff(agentId, 10_000_000);
    expect(whole.truncated).toBe(false);
    expect(await room.worktrees.diff(agentId, 1_000)).toEqual({ text: whole.text.slice(0, 1_000), truncated: true });
    await room.worktrees.remove(agentId);
    expect(await room.worktrees.diff(agentId, 10_000_000)).toEqual(whole);
  });

  test('agents of one repository share its mirror and see nothing of each other', async () => {
    const [one, other] = await Promise.all([room.create(), room.create()]);
    writeFileSync(join(one.path, 'secret'), 'of one\n');
    await room.worktrees.harvest(one.agentId, 'secret');
    await room.worktrees.remove(one.agentId);
    const late = await room.create();
    for (const { path } of [other, late]) {
      expect(existsSync(join(path, '.git', 'objects', 'info', 'alternates'))).toBe(false);
      expect(room.git(path, 'log', '--all', '--format=%s')).toBe('first');
      const objects = room.git(path, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)').split('\n');
      expect(objects.some((name) => room.git(path, 'cat-file', '-p', name).includes('of one'))).toBe(false);
    }
    expect(readdirSync(join(room.root, 'mirrors'))).toHaveLength(1);
  });

  test('a new commit of the repository is seen by the next agent', async () => {
    const first = await room.create();
    writeFileSync(join(room.source, 'sum.js'), 'newer\n');
    const newer = room.commitAll(room.source, 'second');
    expect((await room.create()).base).toBe(newer);
    expect((await room.create(first.agentId)).base).toBe(first.base);
  });

  test('a branch and a branch below its name can both be fetched, one after the other', async () => {
    room.git(room.source, 'branch', 'a');
    await room.worktrees.create({ agentId: randomUUID(), repository: room.repository, branch: 'a' }, never);
    room.git(room.source, 'branch', '--delete', 'a');
    room.git(room.source, 'branch', 'a/b');
    expect(
      (await room.worktrees.create({ agentId: randomUUID(), repository: room.repository, branch: 'a/b' }, never)).base,
    ).toHaveLength(40);
  });
});

describe('what cannot be had', () => {
  test('a branch or a repository that is not there is named as such', async () => {
    const missing = { agentId: randomUUID(), repository: room.repository, branch: 'missing' };
    await expect(room.worktrees.create(missing, never)).rejects.toMatchObject({
      code: 'repository_unavailable',
      field: 'context.branch',
    });
    const nowhere = { agentId: randomUUID(), repository: `${room.repository}-nowhere`, branch: 'main' };
    await expect(room.worktrees.create(nowhere, never)).rejects.toMatchObject({
      code: 'repository_unavailable',
      field: 'context.repository',
    });
    expect(await room.worktrees.known()).toEqual([]);
  });

  test('a file repository is refused unless it is allowed', async () => {
    const strict = new GitWorktrees({ root: join(room.folder, 'strict') });
    expect(
      await codeOf(strict.create({ agentId: randomUUID(), repository: room.repository, branch: 'main' }, never)),
    ).toBe('repository_unavailable');
  });

  test('a repository that is too large is not fetched to its end', async () => {
    writeFileSync(join(room.source, 'noise'), Buffer.from(Array.from({ length: 300_000 }, () => Math.random() * 256)));
    room.commitAll(room.source, 'noise');
    const small = new GitWorktrees({ root: join(room.folder, 'small'), allowFile: true, fetchBytesMax: 100_000 });
    expect(
      await codeOf(small.create({ agentId: randomUUID(), repository: room.repository, branch: 'main' }, never)),
    ).toBe('repository_unavailable');
  });

  test('an aborted caller is let go at once, and those who share its fetch are not', async () => {
    const abort = new AbortController();
    const gone = room.worktrees.create(
      { agentId: randomUUID(), repository: room.repository, branch: 'main' },
      abort.signal,
    );
    const stays = room.create();
    abort.abort(new Error('no longer wanted'));
    await expect(gone).rejects.toThrow('no longer wanted');
    expect((await stays).base).toHaveLength(40);
  });
});
