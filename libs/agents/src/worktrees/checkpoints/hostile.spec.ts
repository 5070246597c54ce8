// Checkpoints room: worktrees that mean harm.
import { describe, expect, test } from '@jest/globals';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import {
  commitAll,
  everything,
  folder,
  git,
  put,
  restore,
  take,
  text,
  tree,
  withWorktree,
} from './checkpoints.fixture.js';

withWorktree();

describe('[W-4] nothing that an agent writes runs on the host or leads out of its worktree', () => {
  const marks = () => readdirSync(folder).filter((name) => name.startsWith('ran'));
  const trap = (name: string) => `#!/bin/sh\ntouch ${join(folder, `ran-${name}`)}\n`;
  const around = async () => {
    await take(1);
    put('sum.js', 'two\n');
    await restore(1, 2);
    expect(text('sum.js')).toBe('one\n');
    expect(marks()).toEqual([]);
  };

  test('hooks, monitors, filters and drivers', async () => {
    for (const name of ['pre-commit', 'post-checkout', 'post-index-change', 'reference-transaction', 'fsmonitor']) {
      put(`.git/hooks/${name}`, trap(name));
      chmodSync(join(tree, '.git', 'hooks', name), 0o755);
    }
    const monitor = `[core]\n\tfsmonitor = ${join(tree, '.git/hooks/fsmonitor')}\n\thooksPath = .git/hooks\n`;
    const filter = `[filter "x"]\n\tclean = ${join(tree, '.git/hooks/fsmonitor')}\n\tsmudge = ${join(tree, '.git/hooks/fsmonitor')}\n\trequired\n`;
    appendFileSync(join(tree, '.git', 'config'), monitor + filter);
    put('.gitattributes', '* filter=x diff=x merge=x\n');
    await around();
  });

  test('a git folder that is a link, a file, or gone', async () => {
    rmSync(join(tree, '.git'), { recursive: true });
    symlinkSync(join(folder, 'source', '.git'), join(tree, '.git'));
    const others = everything(join(folder, 'source', '.git'));
    await around();
    rmSync(join(tree, '.git'));
    put('.git', `gitdir: ${join(folder, 'source', '.git')}\n`);
    await around();
    rmSync(join(tree, '.git'));
    await around();
    expect(everything(join(folder, 'source', '.git'))).toEqual(others);
  });

  test('links on the way of what is written into the agent’s git folder', async () => {
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'file'), 'untouched');
    put('more', 'x');
    const head = commitAll('second');
    await take(1);
    for (const path of ['refs/heads', 'objects/pack']) {
      rmSync(join(tree, '.git', path), { recursive: true });
      symlinkSync(outside, join(tree, '.git', path));
    }
    for (const path of ['HEAD', 'index']) {
      rmSync(join(tree, '.git', path));
      symlinkSync(join(outside, 'file'), join(tree, '.git', path));
    }
    await restore(1, 2);
    expect(readdirSync(outside)).toEqual(['file']);
    expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('untouched');
    expect(git(tree, 'rev-parse', 'HEAD')).toBe(head);
    expect(git(tree, 'cat-file', 'commit', 'HEAD')).toMatch(/second$/);
  });

  test('names that no repository can have are passed over, and stay', async () => {
    put('.GIT/config', '[core]\n');
    expect((await take(1)).missing).toBeUndefined();
    put('sum.js', 'two\n');
    await restore(1, 2);
    expect([text('sum.js'), text('.GIT/config')]).toEqual(['one\n', '[core]\n']);
  });

  test('a branch whose name climbs', async () => {
    const head = git(tree, 'rev-parse', 'HEAD');
    writeFileSync(join(tree, '.git', 'HEAD'), 'ref: refs/heads/../../../climbed\n');
    writeFileSync(join(tree, 'climbed'), `${head}\n`);
    await around();
    expect(existsSync(join(tree, '..', 'climbed'))).toBe(false);
    expect(git(tree, 'rev-parse', 'HEAD')).toBe(head);
  });

  test('links where folders were', async () => {
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'a.js'), 'untouched');
    await take(1);
    rmSync(join(tree, 'lib'), { recursive: true });
    symlinkSync(outside, join(tree, 'lib'));
    put('.gitignore', 'lib\n');
    await restore(1, 2);
    expect(text('lib/a.js')).toBe('a\n');
    expect(lstatSync(join(tree, 'lib')).isDirectory()).toBe(true);
    expect(readFileSync(join(outside, 'a.js'), 'utf8')).toBe('untouched');
  });
});
