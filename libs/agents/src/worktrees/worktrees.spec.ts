// Worktrees room: real repositories, real git, in temporary folders.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WritError } from '#protocol';
import { GitWorktrees } from './git-worktrees.js';
import type { Worktree } from './worktrees.js';

const never = new AbortController().signal;
const user = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];

let folder: string;
let source: string;
let repository: string;
let root: string;
let worktrees: GitWorktrees;

/** Git as a person, or an agent in its sandbox, runs it. */
function git(cwd: string, ...args: string[]): string {
  const env = { PATH: process.env.PATH, HOME: folder, GIT_CONFIG_NOSYSTEM: '1' };
  return execFileSync('git', [...user, ...args], {
    cwd,
    env,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  }).trim();
}

function commitAll(cwd: string, message: string): string {
  git(cwd, 'add', '--all');
  git(cwd, 'commit', '--quiet', '--message', message);
  return git(cwd, 'rev-parse', 'HEAD');
}

function create(agentId: string = randomUUID()): Promise<Worktree> {
  return worktrees.create({ agentId, repository, branch: 'main' }, never);
}

function mirrorRefs(): string[] {
  const mirrors = join(root, 'mirrors');
  return readdirSync(mirrors).flatMap((name) =>
    git(join(mirrors, name), 'for-each-ref', '--format=%(refname)').split('\n'),
  );
}

function kept(agentId: string, path: string): string {
  const mirror = join(root, 'mirrors', readdirSync(join(root, 'mirrors'))[0]!);
  return git(mirror, 'show', `refs/writ/kept/${agentId}:${path}`);
}

async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof WritError) return error.code;
    throw error;
  }
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-worktrees-'));
  source = join(folder, 'source');
  root = join(folder, 'root');
  mkdirSync(source);
  git(source, 'init', '--quiet', '--initial-branch=main');
  writeFileSync(join(source, 'sum.js'), 'one\ntwo\n');
  mkdirSync(join(source, 'lib'));
  writeFileSync(join(source, 'lib', 'a.js'), 'a\n');
  writeFileSync(join(source, '.gitignore'), 'build/\n');
  commitAll(source, 'first');
  repository = pathToFileURL(source).href;
  worktrees = new GitWorktrees({ root, allowFile: true });
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the way of an agent', () => {
  test('a worktree has the files and the branch of its agent, and git works in it', async () => {
    const { path, branch, base, agentId } = await create();
    expect(branch).toBe(`writ/${agentId}`);
    expect(base).toBe(git(source, 'rev-parse', 'main'));
    expect(readFileSync(join(path, 'sum.js'), 'utf8')).toBe('one\ntwo\n');
    expect(git(path, 'status', '--porcelain', '--branch')).toBe(`## ${branch}`);
    expect(git(path, 'log', '--format=%s')).toBe('first');
    writeFileSync(join(path, 'sum.js'), 'one\n');
    expect(git(path, 'diff', 'origin/main')).toContain('-two');
    expect(await worktrees.known()).toEqual([agentId]);
  });

  test('what the agent committed and what it left uncommitted come out together', async () => {
    const { path, agentId, base } = await create();
    writeFileSync(join(path, 'sum.js'), 'one\ntwo\nthree\n');
    const own = commitAll(path, 'the agent’s own words');
    writeFileSync(join(path, 'new file'), 'left\n');
    mkdirSync(join(path, 'build'));
    writeFileSync(join(path, 'build', 'out'), 'ignored');
    const harvest = await worktrees.harvest(agentId, 'left by the agent\n');
    expect(harvest).toMatchObject({ branch: `writ/${agentId}`, changes: { files: 2, insertions: 2, deletions: 0 } });
    const host = join(root, 'agents', agentId, 'git');
    expect(git(host, 'log', '--format=%s|%an|%cn', `${base}..${harvest!.commit}`)).toBe(
      'left by the agent|Writ agent|Writ agent\nthe agent’s own words|Somebody|Somebody',
    );
    expect(git(host, 'rev-parse', `${harvest!.commit}^`)).toBe(own);
    const { text } = await worktrees.diff(agentId, 100_000);
    expect(text).toContain('+three');
    expect(text).toContain('+left');
    expect(text).not.toContain('ignored');
  });

  test('commits that the agent packed, and a packed ref, come out too', async () => {
    const { path, agentId } = await create();
    writeFileSync(join(path, 'sum.js'), 'packed\n');
    const own = commitAll(path, 'packed');
    git(path, 'gc', '--quiet', '--prune=now');
    expect(await worktrees.harvest(agentId, 'nothing is left')).toMatchObject({ commit: own });
  });

  test('nothing changed is nothing harvested, and no ref is kept for it', async () => {
    const { agentId } = await create();
    expect(await worktrees.harvest(agentId, 'nothing')).toBeNull();
    expect(await worktrees.diff(agentId, 1_000)).toEqual({ text: '', truncated: false });
    expect(await worktrees.remove(agentId)).toBe('removed');
    expect(mirrorRefs().filter((ref) => ref.includes(agentId))).toEqual([]);
  });

  test('a diff is cut at its limit and says so, and is the same after the removal', async () => {
    const { path, agentId } = await create();
    writeFileSync(join(path, 'big'), 'line\n'.repeat(100_000));
    await worktrees.harvest(agentId, 'big');
    const whole = await worktrees.diff(agentId, 10_000_000);
    expect(whole.truncated).toBe(false);
    expect(await worktrees.diff(agentId, 1_000)).toEqual({ text: whole.text.slice(0, 1_000), truncated: true });
    await worktrees.remove(agentId);
    expect(await worktrees.diff(agentId, 10_000_000)).toEqual(whole);
  });

  test('agents of one repository share its mirror and see nothing of each other', async () => {
    const [one, other] = await Promise.all([create(), create()]);
    writeFileSync(join(one.path, 'secret'), 'of one\n');
    await worktrees.harvest(one.agentId, 'secret');
    await worktrees.remove(one.agentId);
    const late = await create();
    for (const { path } of [other, late]) {
      expect(existsSync(join(path, '.git', 'objects', 'info', 'alternates'))).toBe(false);
      expect(git(path, 'log', '--all', '--format=%s')).toBe('first');
      const objects = git(path, 'cat-file', '--batch-all-objects', '--batch-check=%(objectname)').split('\n');
      expect(objects.some((name) => git(path, 'cat-file', '-p', name).includes('of one'))).toBe(false);
    }
    expect(readdirSync(join(root, 'mirrors'))).toHaveLength(1);
  });

  test('a new commit of the repository is seen by the next agent', async () => {
    const first = await create();
    writeFileSync(join(source, 'sum.js'), 'newer\n');
    const newer = commitAll(source, 'second');
    expect((await create()).base).toBe(newer);
    expect((await create(first.agentId)).base).toBe(first.base);
  });

  test('a branch and a branch below its name can both be fetched, one after the other', async () => {
    git(source, 'branch', 'a');
    await worktrees.create({ agentId: randomUUID(), repository, branch: 'a' }, never);
    git(source, 'branch', '--delete', 'a');
    git(source, 'branch', 'a/b');
    expect((await worktrees.create({ agentId: randomUUID(), repository, branch: 'a/b' }, never)).base).toHaveLength(40);
  });
});

describe('what cannot be had', () => {
  test('a branch or a repository that is not there is named as such', async () => {
    const missing = { agentId: randomUUID(), repository, branch: 'missing' };
    await expect(worktrees.create(missing, never)).rejects.toMatchObject({
      code: 'repository_unavailable',
      field: 'context.branch',
    });
    const nowhere = { agentId: randomUUID(), repository: `${repository}-nowhere`, branch: 'main' };
    await expect(worktrees.create(nowhere, never)).rejects.toMatchObject({
      code: 'repository_unavailable',
      field: 'context.repository',
    });
    expect(await worktrees.known()).toEqual([]);
  });

  test('a file repository is refused unless it is allowed', async () => {
    const strict = new GitWorktrees({ root: join(folder, 'strict') });
    expect(await codeOf(strict.create({ agentId: randomUUID(), repository, branch: 'main' }, never))).toBe(
      'repository_unavailable',
    );
  });

  test('a repository that is too large is not fetched to its end', async () => {
    writeFileSync(join(source, 'noise'), Buffer.from(Array.from({ length: 300_000 }, () => Math.random() * 256)));
    commitAll(source, 'noise');
    const small = new GitWorktrees({ root: join(folder, 'small'), allowFile: true, fetchBytesMax: 100_000 });
    expect(await codeOf(small.create({ agentId: randomUUID(), repository, branch: 'main' }, never))).toBe(
      'repository_unavailable',
    );
  });

  test('an aborted caller is let go at once, and those who share its fetch are not', async () => {
    const abort = new AbortController();
    const gone = worktrees.create({ agentId: randomUUID(), repository, branch: 'main' }, abort.signal);
    const stays = create();
    abort.abort(new Error('no longer wanted'));
    await expect(gone).rejects.toThrow('no longer wanted');
    expect((await stays).base).toHaveLength(40);
  });
});

describe('removal', () => {
  test('[W-1] dirty files and unpushed commits are kept under a ref before anything is removed', async () => {
    const { path, agentId } = await create();
    writeFileSync(join(path, 'sum.js'), 'committed\n');
    commitAll(path, 'unpushed');
    writeFileSync(join(path, 'lib', 'a.js'), 'dirty\n');
    writeFileSync(join(path, 'untracked'), 'untracked\n');
    expect(await worktrees.remove(agentId)).toBe('removed');
    expect(existsSync(path)).toBe(false);
    expect(kept(agentId, 'sum.js')).toBe('committed');
    expect(kept(agentId, 'lib/a.js')).toBe('dirty');
    expect(kept(agentId, 'untracked')).toBe('untracked');
    expect(await worktrees.known()).toEqual([]);
    expect(await worktrees.remove(agentId)).toBe('absent');
    expect(readdirSync(join(root, 'trash'))).toEqual([]);
  });

  test('[W-1] when the work cannot be kept nothing is removed', async () => {
    const { path, agentId } = await create();
    writeFileSync(join(path, 'sum.js'), 'precious\n');
    const mirror = join(root, 'mirrors', readdirSync(join(root, 'mirrors'))[0]!);
    renameSync(mirror, `${mirror}.away`);
    await expect(worktrees.remove(agentId)).rejects.toThrow();
    expect(readFileSync(join(path, 'sum.js'), 'utf8')).toBe('precious\n');
    renameSync(`${mirror}.away`, mirror);
    expect(await worktrees.remove(agentId)).toBe('removed');
    expect(kept(agentId, 'sum.js')).toBe('precious');
  });

  test('[W-1] work in a repository inside the worktree and in unreadable files is kept', async () => {
    const { path, agentId } = await create();
    for (const name of ['inner', 'empty']) {
      mkdirSync(join(path, name));
      git(join(path, name), 'init', '--quiet');
      writeFileSync(join(path, name, 'file'), `${name}\n`);
    }
    commitAll(join(path, 'inner'), 'inner');
    mkdirSync(join(path, 'closed'));
    writeFileSync(join(path, 'closed', 'file'), 'closed\n', { mode: 0o000 });
    chmodSync(join(path, 'closed'), 0o000);
    await worktrees.remove(agentId);
    expect(kept(agentId, 'inner/file')).toBe('inner');
    expect(kept(agentId, 'empty/file')).toBe('empty');
    expect(kept(agentId, 'closed/file')).toBe('closed');
  });

  test('[W-1] commits on other branches, stashes and a detached HEAD are kept too', async () => {
    const { path, agentId, branch } = await create();
    git(path, 'switch', '--quiet', '--create', 'side/way');
    writeFileSync(join(path, 'sum.js'), 'on the side\n');
    const side = commitAll(path, 'side');
    git(path, 'switch', '--quiet', branch);
    writeFileSync(join(path, 'sum.js'), 'put away\n');
    git(path, 'stash', '--quiet');
    const stash = git(path, 'rev-parse', 'refs/stash');
    git(path, 'switch', '--quiet', '--detach');
    writeFileSync(join(path, 'sum.js'), 'detached\n');
    commitAll(path, 'detached');
    await worktrees.remove(agentId);
    const mirror = join(root, 'mirrors', readdirSync(join(root, 'mirrors'))[0]!);
    const others = git(mirror, 'for-each-ref', '--format=%(objectname)', `refs/writ/kept-others/${agentId}`).split(
      '\n',
    );
    expect(others.sort()).toEqual([side, stash].sort());
    expect(kept(agentId, 'sum.js')).toBe('detached');
  });

  test('[W-3] a worktree whose record is missing is nobody’s to remove', async () => {
    const { path, agentId } = await create();
    rmSync(join(root, 'records'), { recursive: true });
    expect(await codeOf(worktrees.remove(agentId))).toBe('invalid_transition');
    expect(existsSync(path)).toBe(true);
  });

  test('[W-5] a worktree is neither harvested nor removed under a live agent', async () => {
    const { path, agentId } = await create();
    let lives = true;
    const guarded = new GitWorktrees({ root, allowFile: true, inUse: async (id) => lives && id === agentId });
    expect(await codeOf(guarded.remove(agentId))).toBe('invalid_transition');
    expect(await codeOf(guarded.harvest(agentId, 'no'))).toBe('invalid_transition');
    expect(existsSync(path)).toBe(true);
    lives = false;
    expect(await guarded.remove(agentId)).toBe('removed');
  });
});

describe('after a crash', () => {
  function stateOf(agentId: string): { state: string } {
    return JSON.parse(readFileSync(join(root, 'records', `${agentId}.json`), 'utf8')) as { state: string };
  }

  function setState(agentId: string, state: string): void {
    writeFileSync(join(root, 'records', `${agentId}.json`), JSON.stringify({ ...stateOf(agentId), state }));
  }

  test('a worktree that was half made is made anew, or removed', async () => {
    const { path, agentId, base } = await create();
    setState(agentId, 'making');
    rmSync(join(path, '.git'), { recursive: true });
    rmSync(join(path, 'sum.js'));
    worktrees = new GitWorktrees({ root, allowFile: true });
    expect((await create(agentId)).base).toBe(base);
    expect(git(path, 'status', '--porcelain')).toBe('');
    setState(agentId, 'making');
    expect(await worktrees.remove(agentId)).toBe('removed');
    expect(await worktrees.known()).toEqual([]);
  });

  test('a removal that was cut after the work was kept goes on', async () => {
    const { agentId, path } = await create();
    writeFileSync(join(path, 'sum.js'), 'work\n');
    await worktrees.harvest(agentId, 'work');
    const copy = join(folder, 'copy');
    execFileSync('cp', ['-a', join(root, 'agents', agentId), copy]);
    await worktrees.remove(agentId);
    execFileSync('cp', ['-a', copy, join(root, 'agents', agentId)]);
    execFileSync('cp', ['-a', copy, join(root, 'trash', 'left')]);
    worktrees = new GitWorktrees({ root, allowFile: true });
    expect(await worktrees.known()).toEqual([agentId]);
    expect(await worktrees.remove(agentId)).toBe('removed');
    expect(await worktrees.known()).toEqual([]);
    expect(readdirSync(join(root, 'trash'))).toEqual([]);
    expect(kept(agentId, 'sum.js')).toBe('work');
    expect(await codeOf(create(agentId))).toBe('invalid_transition');
  });

  test('locks that a dead git left in a mirror do not stop the next life', async () => {
    await create();
    const mirror = join(root, 'mirrors', readdirSync(join(root, 'mirrors'))[0]!);
    const heads = join(mirror, 'refs', 'writ', 'heads');
    for (const name of readdirSync(heads)) writeFileSync(join(heads, `${name}.lock`), '');
    writeFileSync(join(source, 'sum.js'), 'newer\n');
    commitAll(source, 'newer');
    worktrees = new GitWorktrees({ root, allowFile: true });
    expect((await create()).base).toBe(git(source, 'rev-parse', 'main'));
  });
});

describe('hostile input', () => {
  test.each([
    ['--upload-pack=touch /tmp/pwned', 'main'],
    ['ext::sh -c touch% /tmp/pwned', 'main'],
    ['-c', 'main'],
    ['file:///../../etc', 'main'],
    ['https://host/repo', '--upload-pack=x'],
    ['https://host/repo', 'a..b'],
    ['https://host/repo', '../../etc/passwd'],
    ['https://host/repo', 'a b'],
    ['https://host/repo', 'main:refs/heads/other'],
  ])('[W-4] repository %s with branch %s is refused before git sees it', async (repository, branch) => {
    expect(await codeOf(worktrees.create({ agentId: randomUUID(), repository, branch }, never))).toBe(
      'invalid_request',
    );
    expect(existsSync(root)).toBe(false);
  });

  test('[W-4] an agent id is no path', async () => {
    for (const agentId of ['../../etc', '', 'A'.repeat(36), `${randomUUID()}/..`]) {
      expect(await codeOf(worktrees.create({ agentId, repository, branch: 'main' }, never))).toBe('invalid_request');
      expect(await codeOf(worktrees.remove(agentId))).toBe('invalid_request');
      expect(await codeOf(worktrees.harvest(agentId, 'x'))).toBe('invalid_request');
      expect(await codeOf(worktrees.diff(agentId, 1))).toBe('invalid_request');
    }
  });
});

describe('what an agent does to its git folder runs nothing on the host', () => {
  let canary: string;
  let agent: Worktree;

  beforeEach(async () => {
    canary = join(folder, 'canary');
    agent = await create();
  });

  /** Every way out of the worktree, with the agent’s last change in it. */
  async function bringOut(): Promise<void> {
    writeFileSync(join(agent.path, 'sum.js'), 'changed\n');
    const harvest = await worktrees.harvest(agent.agentId, 'harvest');
    expect(harvest?.changes.files).toBeGreaterThan(0);
    expect((await worktrees.diff(agent.agentId, 100_000)).text).toContain('+changed');
    expect(await worktrees.remove(agent.agentId)).toBe('removed');
    expect(kept(agent.agentId, 'sum.js')).toBe('changed');
    expect(existsSync(canary)).toBe(false);
  }

  test('[W-4] configuration that names programs', async () => {
    const run = `touch ${canary}`;
    const config = `[core]\n\tfsmonitor = "${run}"\n\tsshCommand = "${run}"\n\tpager = "${run}"\n\thooksPath = ${agent.path}/hooks\n\tworktree = /\n\tbare = false
[filter "evil"]\n\tclean = "${run}"\n\tsmudge = "${run}"\n\trequired = true\n\tprocess = "${run}"
[diff]\n\texternal = "${run}"\n[diff "evil"]\n\ttextconv = "${run}"\n\tcommand = "${run}"
[gpg]\n\tprogram = "${run}"\n[commit]\n\tgpgSign = true\n[alias]\n\tadd = "!${run}"\n[include]\n\tpath = ${agent.path}/more\n[uploadpack]\n\tpackObjectsHook = "${run}"\n`;
    writeFileSync(join(agent.path, '.git', 'config'), config);
    writeFileSync(join(agent.path, '.gitattributes'), '* filter=evil diff=evil merge=evil\n');
    mkdirSync(join(agent.path, '.git', 'info'), { recursive: true });
    writeFileSync(join(agent.path, '.git', 'info', 'attributes'), '* filter=evil diff=evil\n');
    await bringOut();
  });

  test('[W-4] hooks in the git folder, in the worktree and in the repository', async () => {
    for (const at of [join(agent.path, '.git', 'hooks'), join(agent.path, 'hooks')]) {
      mkdirSync(at, { recursive: true });
      for (const name of ['pre-commit', 'post-commit', 'reference-transaction', 'post-checkout', 'fsmonitor-watchman'])
        writeFileSync(join(at, name), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    }
    await bringOut();
  });

  test('[W-4] submodules and repositories below, each with programs in its configuration', async () => {
    const inner = join(agent.path, 'inner');
    mkdirSync(inner);
    git(inner, 'init', '--quiet');
    writeFileSync(join(inner, 'file'), 'inner\n');
    commitAll(inner, 'inner');
    git(agent.path, 'add', 'inner');
    writeFileSync(
      join(agent.path, '.gitmodules'),
      `[submodule "inner"]\n\tpath = inner\n\turl = ext::touch ${canary}\n\tupdate = !touch ${canary}\n`,
    );
    git(agent.path, 'commit', '--quiet', '--message', 'a submodule');
    writeFileSync(
      join(inner, '.git', 'config'),
      `[core]\n\tfsmonitor = "touch ${canary}"\n\trepositoryformatversion = 0\n`,
    );
    writeFileSync(join(inner, 'file'), 'changed\n');
    await bringOut();
  });

  test.each([
    ['a link to another repository', () => symlinkSync(join(source, '.git'), join(agent.path, '.git'))],
    ['a file that points to another', () => writeFileSync(join(agent.path, '.git'), `gitdir: ${source}/.git\n`)],
    ['nothing', () => undefined],
    ['an ordinary file', () => writeFileSync(join(agent.path, '.git'), 'x'.repeat(100_000))],
  ])('[W-4] a git folder replaced by %s', async (_what, replace) => {
    rmSync(join(agent.path, '.git'), { recursive: true });
    replace();
    const before = git(source, 'rev-parse', 'HEAD');
    await bringOut();
    expect(git(source, 'rev-parse', 'HEAD')).toBe(before);
    expect(git(source, 'status', '--porcelain')).toBe('');
  });

  test('[W-4] links and alternates that lead to what is not the agent’s are not followed', async () => {
    const secret = join(folder, 'secret');
    mkdirSync(secret);
    git(secret, 'init', '--quiet', '--initial-branch=main');
    writeFileSync(join(secret, 'key'), 'top secret\n');
    const hidden = commitAll(secret, 'secret');
    const gitDir = join(agent.path, '.git');
    mkdirSync(join(gitDir, 'objects', 'info'), { recursive: true });
    writeFileSync(join(gitDir, 'objects', 'info', 'alternates'), `${secret}/.git/objects\n`);
    for (const name of readdirSync(join(secret, '.git', 'objects')))
      if (!existsSync(join(gitDir, 'objects', name)))
        symlinkSync(join(secret, '.git', 'objects', name), join(gitDir, 'objects', name));
    // A commit of the secret tree above the agent's base: sound in every way but for where its objects are.
    const tree = git(secret, 'rev-parse', `${hidden}^{tree}`);
    const stolen = git(agent.path, 'commit-tree', tree, '-p', agent.base, '-m', 'stolen');
    git(agent.path, 'update-ref', `refs/heads/${agent.branch}`, stolen);
    await bringOut();
    expect(() => kept(agent.agentId, 'key')).toThrow();
  });

  test('[W-4] a ref that is a link to a file of the host is not read', async () => {
    const outside = join(folder, 'outside');
    writeFileSync(outside, `${'a'.repeat(40)}\n`);
    rmSync(join(agent.path, '.git', 'HEAD'));
    symlinkSync(outside, join(agent.path, '.git', 'HEAD'));
    await bringOut();
  });

  test('[W-4] an object that is not what its name says is left behind, and so are the commits that stand on it', async () => {
    writeFileSync(join(agent.path, 'lib', 'a.js'), 'honest\n');
    const own = commitAll(agent.path, 'honest');
    const object = join(agent.path, '.git', 'objects', own.slice(0, 2), own.slice(2));
    chmodSync(object, 0o644);
    writeFileSync(object, readFileSync(object).subarray(0, 20));
    await bringOut();
    expect(kept(agent.agentId, 'lib/a.js')).toBe('honest');
  });

  test('[W-4] a tree that would write into a git folder is refused by the mirror', async () => {
    const blob = execFileSync('git', ['hash-object', '-w', '--stdin'], { cwd: agent.path, input: 'x' })
      .toString()
      .trim();
    const entry = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
    const hash = ['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'];
    const tree = execFileSync('git', hash, { cwd: agent.path, input: entry }).toString().trim();
    const evil = git(agent.path, 'commit-tree', tree, '-p', agent.base, '-m', 'evil');
    git(agent.path, 'update-ref', `refs/heads/${agent.branch}`, evil);
    await bringOut();
  });

  test('[W-4] links in the worktree are kept as links, what they point to is not', async () => {
    writeFileSync(join(folder, 'host-file'), 'of the host');
    symlinkSync(join(folder, 'host-file'), join(agent.path, 'link'));
    rmSync(join(agent.path, 'lib'), { recursive: true });
    symlinkSync(folder, join(agent.path, 'lib'));
    await bringOut();
    expect(kept(agent.agentId, 'link')).toBe(join(folder, 'host-file'));
    expect(kept(agent.agentId, 'lib')).toBe(folder);
    expect(existsSync(join(folder, 'host-file'))).toBe(true);
  });

  test('[W-4] a name that git refuses everywhere does not stop the removal', async () => {
    mkdirSync(join(agent.path, '.GIT'));
    writeFileSync(join(agent.path, '.GIT', 'config'), 'x');
    await bringOut();
  });
});
