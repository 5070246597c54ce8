// Checkpoints room: the way back.
import { describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  agentId,
  bait,
  cellar,
  commitAll,
  enliven,
  files,
  folder,
  git,
  havoc,
  open,
  outside,
  put,
  restore,
  take,
  text,
  tree,
  withWorktree,
  worktrees,
} from './checkpoints.fixture.js';

withWorktree();

describe('the way back', () => {
  test('brings files, links, modes, folders and odd names back exactly, takes away what came since, and leaves what is ignored', async () => {
    symlinkSync('sum.js', join(tree, 'link'));
    symlinkSync(outside(), join(tree, 'outside'));
    put('left uncommitted', 'mine\n');
    put('build/cache', 'ignored\n');
    const before = files();
    await take(1);
    havoc();
    rmSync(join(tree, 'link'));
    put('link/is', 'a folder now\n');
    rmSync(join(tree, 'outside'));
    put('outside/passwd', 'a folder now\n');
    const after = files();
    expect(await restore(1, 2)).toBe(0);
    expect(files()).toEqual({ ...before, 'build/out': after['build/out'], 'build/cache': after['build/cache'] });
    expect(existsSync(join(tree, 'new'))).toBe(false);
    expect(readFileSync(bait(), 'utf8')).toBe('untouched');
  });

  test('loses nothing: the state before it is a checkpoint like any other', async () => {
    await take(1);
    havoc();
    const after = files();
    await restore(1, 2);
    await restore(2, 3);
    expect(files()).toEqual(after);
  });

  test('also takes away what was ignored meanwhile and is not any more, once it is kept', async () => {
    await take(1);
    put('.gitignore', 'build/\nsecret\n');
    put('secret', 'only here\n');
    expect(await restore(1, 2)).toBe(0);
    expect(existsSync(join(tree, 'secret'))).toBe(false);
    await restore(2, 3);
    expect(text('secret')).toBe('only here\n');
  });

  test('what was ignored and is too much to be kept is left where it is, and counted', async () => {
    await open({ keptMax: 20, bytesMax: 2 ** 20 });
    await take(1);
    put('.gitignore', 'build/\nhuge\n');
    put('huge', 'x');
    truncateSync(join(tree, 'huge'), 2 ** 22);
    expect(await restore(1, 2)).toBe(1);
    expect(statSync(join(tree, 'huge')).size).toBe(2 ** 22);
  });

  test('keeps every byte, whatever the attributes of the repository want of line ends', async () => {
    put('.gitattributes', '* text=auto eol=crlf\n*.id ident\n*.u16 text working-tree-encoding=UTF-16\n');
    put('mixed.txt', 'one\r\ntwo\nthree\r\n');
    put('a.id', '$Id$\n');
    put('b.u16', 'not utf-16\n');
    const before = files();
    await take(1);
    for (const name of ['mixed.txt', 'a.id', 'b.u16']) put(name, 'changed\n');
    await restore(1, 2);
    expect(files()).toEqual(before);
  });

  test('takes repositories inside the worktree for folders; one that came since is moved out of the way', async () => {
    put('old/kept.txt', 'kept\n');
    git(join(tree, 'old'), 'init', '--quiet');
    const before = files();
    await take(1);
    put('old/kept.txt', 'changed\n');
    put('since/new.txt', 'new\n');
    git(join(tree, 'since'), 'init', '--quiet');
    put('empty/.gitkeep', '');
    rmSync(join(tree, 'empty', '.gitkeep'));
    git(join(tree, 'empty'), 'init', '--quiet');
    expect(await restore(1, 2)).toBe(0);
    expect(files()).toEqual(before);
    expect([existsSync(join(tree, 'since')), existsSync(join(tree, 'empty'))]).toEqual([false, false]);
    expect(existsSync(join(tree, 'old', '.git', 'HEAD'))).toBe(true);
  });

  test('brings HEAD back, with what it stands on, and leaves other branches and what the agent stashed', async () => {
    put('sum.js', 'two\n');
    const head = commitAll('second');
    put('dirty', 'dirty\n');
    await take(1);
    put('sum.js', 'three\n');
    commitAll('third');
    git(tree, 'branch', 'other');
    git(tree, 'reset', '--quiet', '--hard', 'HEAD~2');
    git(tree, 'branch', '--quiet', '--force', 'other', 'HEAD');
    git(tree, 'reflog', 'expire', '--expire=now', '--all');
    git(tree, 'gc', '--quiet', '--prune=now');
    await restore(1, 2);
    expect(git(tree, 'rev-parse', 'HEAD')).toBe(head);
    expect(git(tree, 'status', '--porcelain', '--branch')).toBe(`## writ/${agentId}\n?? dirty`);
    expect(git(tree, 'log', '--format=%s')).toBe('second\nfirst');
    expect(git(tree, 'fsck')).not.toMatch(/missing|broken/);
    expect(git(tree, 'rev-parse', 'other')).toBe(git(tree, 'rev-parse', 'HEAD~1'));
    expect(await worktrees.harvest(agentId, 'left')).toMatchObject({ changes: { files: 2 } });
    expect(git(join(folder, 'root', 'agents', agentId, 'git'), 'log', '--format=%s', `writ/${agentId}`)).toBe(
      'left\nsecond\nfirst',
    );
  });

  test('done again after it was cut at any moment comes to the same', async () => {
    const before = files();
    await take(1);
    havoc();
    await take(2, { before: 'restore', sparing: 1 });
    rmSync(join(tree, 'lib'));
    put('lib/half', 'written by a git that died\n');
    writeFileSync(join(cellar(), 'index.lock'), '');
    put('run.sh', 'half');
    expect(await worktrees.checkpoints.restore(agentId, 1, 2)).toBe(0);
    expect(files()).toMatchObject(before);
    expect(existsSync(join(tree, 'lib', 'half'))).toBe(false);
  });

  const asRoot = process.getuid?.() === 0 ? test : test.skip;
  asRoot('files that are written again belong to whom the worktree belongs, as in a container', async () => {
    await take(1);
    havoc();
    execFileSync('chown', ['-R', '-h', '4711:4711', tree]);
    await restore(1, 2);
    for (const path of ['sum.js', 'lib', 'lib/a.js', 'run.sh', '.git/HEAD', '.git/index'])
      expect([path, lstatSync(join(tree, path)).uid]).toEqual([path, 4711]);
    expect(statSync(bait()).uid).toBe(0);
  });

  test('[W-5] is refused under a live agent', async () => {
    await take(1);
    enliven();
    put('sum.js', 'two\n');
    await expect(worktrees.checkpoints.restore(agentId, 1, 1)).rejects.toMatchObject({ code: 'invalid_transition' });
    expect(text('sum.js')).toBe('two\n');
  });
});
