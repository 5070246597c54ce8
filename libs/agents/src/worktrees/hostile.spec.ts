// What is hostile in a request or in an agent’s own git folder runs nothing on the host.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { Worktree } from './worktrees.js';
import { codeOf, never, WorktreeRoom } from '../../../../test/support/worktree-room.js';

let room: WorktreeRoom;
beforeEach(() => {
  room = new WorktreeRoom();
});
afterEach(() => room.close());

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
    expect(await codeOf(room.worktrees.create({ agentId: randomUUID(), repository, branch }, never))).toBe(
      'invalid_request',
    );
    expect(existsSync(room.root)).toBe(false);
  });

  test('[W-4] an agent id is no path', async () => {
    for (const agentId of ['../../etc', '', 'A'.repeat(36), `${randomUUID()}/..`]) {
      expect(await codeOf(room.worktrees.create({ agentId, repository: room.repository, branch: 'main' }, never))).toBe(
        'invalid_request',
      );
      expect(await codeOf(room.worktrees.remove(agentId))).toBe('invalid_request');
      expect(await codeOf(room.worktrees.harvest(agentId, 'x'))).toBe('invalid_request');
      expect(await codeOf(room.worktrees.diff(agentId, 1))).toBe('invalid_request');
    }
  });
});

describe('a hostile repository', () => {
  const names = ['HOME', 'XDG_CONFIG_HOME', 'GIT_CONFIG_GLOBAL', 'GIT_CONFIG_SYSTEM'] as const;
  const before = names.map((name) => [name, process.env[name]] as const);
  afterEach(() => {
    for (const [name, value] of before)
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
  });

  /** A machine whose user has Git LFS, hooks and submodules set up for all repositories. */
  function setUp(canary: string): void {
    const home = join(room.folder, 'home');
    mkdirSync(join(home, 'hooks'), { recursive: true });
    writeFileSync(join(home, 'hooks', 'post-checkout'), `#!/bin/sh\ntouch ${canary}\n`, { mode: 0o755 });
    const run = `touch ${canary}; cat`;
    const config = `[core]\n\thooksPath = ${home}/hooks\n[filter "lfs"]\n\tsmudge = "${run}"\n\tclean = "${run}"\n\trequired = true
[submodule]\n\trecurse = true\n[protocol "ext"]\n\tallow = always\n[protocol "file"]\n\tallow = always\n`;
    writeFileSync(join(home, '.gitconfig'), config);
    for (const name of names.slice(2)) process.env[name] = join(home, '.gitconfig');
    Object.assign(process.env, { HOME: home, XDG_CONFIG_HOME: home });
  }

  test('[W-4] is fetched and checked out without its filters, submodules or the host’s hooks, and its links stay links', async () => {
    const canary = join(room.folder, 'canary');
    const pointer = 'version https://git-lfs.github.com/spec/v1\nsize 1\n';
    const submodule = `[submodule "inner"]\n\tpath = inner\n\turl = ext::touch ${canary}\n`;
    writeFileSync(join(room.source, '.gitattributes'), '*.bin filter=lfs diff=lfs merge=lfs\n');
    writeFileSync(join(room.source, '.lfsconfig'), '[lfs]\n\turl = https://elsewhere.invalid/\n');
    writeFileSync(join(room.source, 'large.bin'), pointer);
    writeFileSync(join(room.source, '.gitmodules'), submodule);
    symlinkSync('/etc', join(room.source, 'escape'));
    room.git(
      room.source,
      'update-index',
      '--add',
      '--cacheinfo',
      `160000,${room.git(room.source, 'rev-parse', 'HEAD')},inner`,
    );
    mkdirSync(join(room.source, 'inner'));
    const head = room.commitAll(room.source, 'a trap');
    setUp(canary);
    const { path, base } = await room.create();
    expect([base, existsSync(canary)]).toEqual([head, false]);
    expect(readFileSync(join(path, 'large.bin'), 'utf8')).toBe(pointer);
    expect(readlinkSync(join(path, 'escape'))).toBe('/etc');
    expect(existsSync(join(path, 'inner')) ? readdirSync(join(path, 'inner')) : []).toEqual([]);
    // As anybody else on this machine would get it.
    execFileSync('git', ['clone', '--quiet', '--no-recurse-submodules', room.source, join(room.folder, 'clone')], {
      env: process.env,
    });
    expect(existsSync(canary)).toBe(true);
  });
});

describe('what an agent does to its git folder runs nothing on the host', () => {
  let canary: string;
  let agent: Worktree;

  beforeEach(async () => {
    canary = join(room.folder, 'canary');
    agent = await room.create();
  });

  /** Every way out of the worktree, with the agent’s last change in it. */
  async function bringOut(): Promise<void> {
    writeFileSync(join(agent.path, 'sum.js'), 'changed\n');
    const harvest = await room.worktrees.harvest(agent.agentId, 'harvest');
    expect(harvest?.changes.files).toBeGreaterThan(0);
    expect((await room.worktrees.diff(agent.agentId, 100_000)).text).toContain('+changed');
    expect(await room.worktrees.remove(agent.agentId)).toBe('removed');
    expect(room.kept(agent.agentId, 'sum.js')).toBe('changed');
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
    room.git(inner, 'init', '--quiet');
    writeFileSync(join(inner, 'file'), 'inner\n');
    room.commitAll(inner, 'inner');
    room.git(agent.path, 'add', 'inner');
    writeFileSync(
      join(agent.path, '.gitmodules'),
      `[submodule "inner"]\n\tpath = inner\n\turl = ext::touch ${canary}\n\tupdate = !touch ${canary}\n`,
    );
    room.git(agent.path, 'commit', '--quiet', '--message', 'a submodule');
    writeFileSync(
      join(inner, '.git', 'config'),
      `[core]\n\tfsmonitor = "touch ${canary}"\n\trepositoryformatversion = 0\n`,
    );
    writeFileSync(join(inner, 'file'), 'changed\n');
    await bringOut();
  });

  test.each([
    ['a link to another repository', () => symlinkSync(join(room.source, '.git'), join(agent.path, '.git'))],
    ['a file that points to another', () => writeFileSync(join(agent.path, '.git'), `gitdir: ${room.source}/.git\n`)],
    ['nothing', () => undefined],
    ['an ordinary file', () => writeFileSync(join(agent.path, '.git'), 'x'.repeat(100_000))],
  ])('[W-4] a git folder replaced by %s', async (_what, replace) => {
    rmSync(join(agent.path, '.git'), { recursive: true });
    replace();
    const before = room.git(room.source, 'rev-parse', 'HEAD');
    await bringOut();
    expect(room.git(room.source, 'rev-parse', 'HEAD')).toBe(before);
    expect(room.git(room.source, 'status', '--porcelain')).toBe('');
  });

  test('[W-4] links and alternates that lead to what is not the agent’s are not followed', async () => {
    const secret = join(room.folder, 'secret');
    mkdirSync(secret);
    room.git(secret, 'init', '--quiet', '--initial-branch=main');
    writeFileSync(join(secret, 'key'), 'top secret\n');
    const hidden = room.commitAll(secret, 'secret');
    const gitDir = join(agent.path, '.git');
    mkdirSync(join(gitDir, 'objects', 'info'), { recursive: true });
    writeFileSync(join(gitDir, 'objects', 'info', 'alternates'), `${secret}/.git/objects\n`);
    for (const name of readdirSync(join(secret, '.git', 'objects')))
      if (!existsSync(join(gitDir, 'objects', name)))
        symlinkSync(join(secret, '.git', 'objects', name), join(gitDir, 'objects', name));
    // A commit of the secret tree above the agent's base: sound in every way but for where its objects are.
    const tree = room.git(secret, 'rev-parse', `${hidden}^{tree}`);
    const stolen = room.git(agent.path, 'commit-tree', tree, '-p', agent.base, '-m', 'stolen');
    room.git(agent.path, 'update-ref', `refs/heads/${agent.branch}`, stolen);
    await bringOut();
    expect(() => room.kept(agent.agentId, 'key')).toThrow();
  });

  test('[W-4] a ref that is a link to a file of the host is not read', async () => {
    const outside = join(room.folder, 'outside');
    writeFileSync(outside, `${'a'.repeat(40)}\n`);
    rmSync(join(agent.path, '.git', 'HEAD'));
    symlinkSync(outside, join(agent.path, '.git', 'HEAD'));
    await bringOut();
  });

  test('[W-4] an object that is not what its name says is left behind, and so are the commits that stand on it', async () => {
    writeFileSync(join(agent.path, 'lib', 'a.js'), 'honest\n');
    const own = room.commitAll(agent.path, 'honest');
    const object = join(agent.path, '.git', 'objects', own.slice(0, 2), own.slice(2));
    chmodSync(object, 0o644);
    writeFileSync(object, readFileSync(object).subarray(0, 20));
    await bringOut();
    expect(room.kept(agent.agentId, 'lib/a.js')).toBe('honest');
  });

  test('[W-4] a tree that would write into a git folder is refused by the mirror', async () => {
    const blob = execFileSync('git', ['hash-object', '-w', '--stdin'], { cwd: agent.path, input: 'x' })
      .toString()
      .trim();
    const entry = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
    const hash = ['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'];
    const tree = execFileSync('git', hash, { cwd: agent.path, input: entry }).toString().trim();
    const evil = room.git(agent.path, 'commit-tree', tree, '-p', agent.base, '-m', 'evil');
    room.git(agent.path, 'update-ref', `refs/heads/${agent.branch}`, evil);
    await bringOut();
  });

  test('[W-4] links in the worktree are kept as links, what they point to is not', async () => {
    writeFileSync(join(room.folder, 'host-file'), 'of the host');
    symlinkSync(join(room.folder, 'host-file'), join(agent.path, 'link'));
    rmSync(join(agent.path, 'lib'), { recursive: true });
    symlinkSync(room.folder, join(agent.path, 'lib'));
    await bringOut();
    expect(room.kept(agent.agentId, 'link')).toBe(join(room.folder, 'host-file'));
    expect(room.kept(agent.agentId, 'lib')).toBe(room.folder);
    expect(existsSync(join(room.folder, 'host-file'))).toBe(true);
  });

  test('[W-4] a name that git refuses everywhere does not stop the removal', async () => {
    mkdirSync(join(agent.path, '.GIT'));
    writeFileSync(join(agent.path, '.GIT', 'config'), 'x');
    await bringOut();
  });
});
