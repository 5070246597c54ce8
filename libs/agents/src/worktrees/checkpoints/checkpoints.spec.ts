// Checkpoints room: real repositories, real git, in temporary folders.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { GitWorktrees } from '../git-worktrees.js';
import type { Checkpoint, CheckpointWish } from './checkpoints.js';

const never = new AbortController().signal;
const user = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];

let folder: string;
let agentId: string;
let tree: string;
let lives: boolean;
let worktrees: GitWorktrees;

function git(cwd: string, ...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  const stdio: ['ignore', 'pipe', 'pipe'] = ['ignore', 'pipe', 'pipe'];
  return execFileSync('git', [...user, ...args], { cwd, env, encoding: 'utf8', stdio }).trim();
}

function commitAll(message: string): string {
  git(tree, 'add', '--all');
  git(tree, 'commit', '--quiet', '--message', message);
  return git(tree, 'rev-parse', 'HEAD');
}

/** Never through a link: what a link of a story points at is not the story's. */
function put(path: string, text: string): void {
  mkdirSync(join(tree, path, '..'), { recursive: true });
  if (lstatSync(join(tree, path), { throwIfNoEntry: false })?.isSymbolicLink()) rmSync(join(tree, path));
  writeFileSync(join(tree, path), text);
}

/** What links out of the tree point at. */
const outside = () => join(folder, 'host');
const bait = () => join(outside(), 'passwd');

const text = (path: string) => readFileSync(join(tree, path), 'utf8');

/** Everything below a folder: kind, mode, time of change and content of each, links as links. */
function everything(at: string, path = ''): Record<string, string> {
  const stat = lstatSync(join(at, path));
  if (stat.isSymbolicLink()) return { [path]: `link ${readlinkSync(join(at, path))}` };
  const content = stat.isFile()
    ? createHash('sha1')
        .update(readFileSync(join(at, path)))
        .digest('hex')
    : '';
  const own = { [path]: `${stat.mode.toString(8)} ${stat.mtimeMs} ${content}` };
  if (!stat.isDirectory()) return own;
  return Object.assign(own, ...readdirSync(join(at, path)).map((name) => everything(at, join(path, name)))) as never;
}

/** What git would keep: without times, without the agent's own git folder. */
function files(at = tree): Record<string, string> {
  const all = Object.entries(everything(at)).filter(([path]) => path !== '' && !/(^|\/)\.git(\/|$)/.test(path));
  const plain = all.filter(([, what]) => !what.startsWith('4'));
  return Object.fromEntries(plain.map(([path, what]) => [path, what.replace(/^(\d+) \S+ /, '$1 ')]));
}

function take(turn: number, more: Partial<CheckpointWish> = {}): Promise<Checkpoint> {
  const unmoved = () => Promise.resolve(true);
  const at = new Date(Date.UTC(2030, 0, 1, 0, turn)).toISOString();
  return worktrees.checkpoints.take(agentId, { turn, before: 'turn', at, memory: `memory ${turn}`, unmoved, ...more });
}

/** As a session does it: what is there now is kept first. */
async function restore(to: number, saved: number): Promise<number> {
  expect(await take(saved, { before: 'restore', sparing: to })).not.toHaveProperty('missing');
  return worktrees.checkpoints.restore(agentId, to, saved);
}

const turns = async () => (await worktrees.checkpoints.list(agentId)).map(({ turn }) => turn);
const cellar = () => join(folder, 'root', 'agents', agentId, 'checkpoints');

async function open(checkpoints = { keptMax: 20, bytesMax: 2 ** 30 }): Promise<void> {
  const inUse = () => Promise.resolve(lives);
  worktrees = new GitWorktrees({ root: join(folder, 'root'), allowFile: true, inUse, checkpoints });
  agentId = randomUUID();
  const repository = pathToFileURL(join(folder, 'source')).href;
  tree = (await worktrees.create({ agentId, repository, branch: 'main' }, never)).path;
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-checkpoints-'));
  lives = false;
  tree = join(folder, 'source');
  mkdirSync(tree);
  mkdirSync(outside());
  writeFileSync(bait(), 'untouched');
  git(tree, 'init', '--quiet', '--initial-branch=main');
  put('sum.js', 'one\n');
  put('lib/a.js', 'a\n');
  put('.gitignore', 'build/\n');
  put('run.sh', '#!/bin/sh\n');
  chmodSync(join(tree, 'run.sh'), 0o755);
  commitAll('first');
  await open();
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Every kind of change that an agent can make to a file. */
function havoc(): void {
  put('sum.js', 'two\n');
  rmSync(join(tree, 'lib'), { recursive: true });
  put('lib', 'a file now\n');
  rmSync(join(tree, 'run.sh'));
  symlinkSync(bait(), join(tree, 'run.sh'));
  put('new/deep/file', 'new\n');
  put('build/out', 'built\n');
  put('line\nbreak', 'odd\n');
}

describe('a checkpoint', () => {
  test('changes nothing that the agent can see: no file, no time, no index, no HEAD', async () => {
    havoc();
    git(tree, 'add', 'sum.js');
    const before = everything(tree);
    await take(1);
    expect(everything(tree)).toEqual(before);
    expect(await worktrees.checkpoints.list(agentId)).toEqual([
      { turn: 1, before: 'turn', at: '2030-01-01T00:01:00.000Z' },
    ]);
    expect(git(cellar(), 'for-each-ref', '--format=%(refname)')).toBe(`refs/writ/checkpoints/${agentId}/1`);
    expect(await worktrees.checkpoints.memory(agentId, 1)).toBe('memory 1');
  });

  test('of what has not changed has the same tree, and takes no more room than its ref', async () => {
    await take(1);
    const bytes = () => git(cellar(), 'count-objects', '-v').split('\n')[0];
    await take(2, { memory: 'memory 1' });
    const [one, two] = [1, 2].map((turn) =>
      git(cellar(), 'rev-parse', `refs/writ/checkpoints/${agentId}/${turn}:tree`),
    );
    expect(two).toBe(one);
    const before = Number(bytes()?.split(' ')[1]);
    await take(3, { memory: 'memory 1' });
    expect(Number(bytes()?.split(' ')[1]) - before).toBeLessThanOrEqual(2);
  });

  test('that was not taken of a still agent is none: the reason stands in its place, and there is no way back to it', async () => {
    expect(await take(1, { unmoved: () => Promise.resolve(false) })).toMatchObject({ missing: /held still/ as never });
    expect(await worktrees.checkpoints.list(agentId)).toMatchObject([
      { turn: 1, missing: expect.stringMatching(/held still/) },
    ]);
    await take(2);
    await expect(worktrees.checkpoints.restore(agentId, 1, 2)).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(worktrees.checkpoints.restore(agentId, 7, 2)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('[W-2] the oldest go when there are too many, but never the one that is spared', async () => {
    await open({ keptMax: 3, bytesMax: 2 ** 30 });
    for (const turn of [1, 2, 3, 4, 5]) await take(turn);
    expect(await turns()).toEqual([3, 4, 5]);
    await take(6, { sparing: 3 });
    expect(await turns()).toEqual([3, 5, 6]);
  });

  test('[W-2] the oldest go when they take too much room, and their room is free again', async () => {
    await open({ keptMax: 20, bytesMax: 2 ** 20 });
    for (const turn of [1, 2, 3, 4, 5, 6]) {
      put('noise', Array.from({ length: 9_000 }, () => randomUUID()).join(''));
      await take(turn);
    }
    const left = await turns();
    expect(left.at(-1)).toBe(6);
    expect(left.length).toBeLessThan(6);
    expect(Number(/^size: (\d+)$/m.exec(git(cellar(), 'count-objects', '-v'))?.[1])).toBeLessThanOrEqual(1_024);
    put('noise', '');
    expect(await worktrees.checkpoints.restore(agentId, 6, 6)).toBe(0);
    expect(text('noise').length).toBe(324_000);
  });

  test('[W-2] a file that is larger than all checkpoints may be is not read, sparse or not, and the next one without it is kept', async () => {
    await open({ keptMax: 20, bytesMax: 2 ** 20 });
    put('huge', '');
    truncateSync(join(tree, 'huge'), 2 ** 42);
    expect((await take(1)).missing).toMatch(/larger than 1048576 bytes/);
    expect(readdirSync(join(cellar(), 'objects')).length).toBeLessThan(10);
    rmSync(join(tree, 'huge'));
    expect((await take(2)).missing).toBeUndefined();
  });

  test('goes with its worktree', async () => {
    await take(1);
    await worktrees.remove(agentId);
    expect(existsSync(cellar())).toBe(false);
  });
});

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
    lives = true;
    put('sum.js', 'two\n');
    await expect(worktrees.checkpoints.restore(agentId, 1, 1)).rejects.toMatchObject({ code: 'invalid_transition' });
    expect(text('sum.js')).toBe('two\n');
  });
});

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
