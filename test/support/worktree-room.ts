// A repository with one commit and the worktrees of a spoke beside it, in a temporary folder; real git does all of it.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { WritError } from '#protocol';
import { GitWorktrees } from '../../libs/agents/src/worktrees/git-worktrees.js';
import type { Worktree } from '../../libs/agents/src/worktrees/worktrees.js';

export const never: AbortSignal = new AbortController().signal;
const user = ['-c', 'user.name=Somebody', '-c', 'user.email=somebody@example.org'];

export class WorktreeRoom {
  readonly folder = mkdtempSync(join(tmpdir(), 'writ-worktrees-'));
  readonly source = join(this.folder, 'source');
  readonly repository = pathToFileURL(this.source).href;
  readonly root = join(this.folder, 'root');
  worktrees = new GitWorktrees({ root: this.root, allowFile: true });

  constructor() {
    mkdirSync(join(this.source, 'lib'), { recursive: true });
    this.git(this.source, 'init', '--quiet', '--initial-branch=main');
    writeFileSync(join(this.source, 'sum.js'), 'one\ntwo\n');
    writeFileSync(join(this.source, 'lib', 'a.js'), 'a\n');
    writeFileSync(join(this.source, '.gitignore'), 'build/\n');
    this.commitAll(this.source, 'first');
  }

  /** Git as a person, or an agent in its sandbox, runs it. */
  git(cwd: string, ...args: string[]): string {
    const env = { PATH: process.env.PATH, HOME: this.folder, GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', [...user, ...args], {
      cwd,
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    }).trim();
  }

  commitAll(cwd: string, message: string): string {
    this.git(cwd, 'add', '--all');
    this.git(cwd, 'commit', '--quiet', '--message', message);
    return this.git(cwd, 'rev-parse', 'HEAD');
  }

  create(agentId: string = randomUUID()): Promise<Worktree> {
    return this.worktrees.create({ agentId, repository: this.repository, branch: 'main' }, never);
  }

  /** The one mirror there is. */
  get mirror(): string {
    return join(this.root, 'mirrors', readdirSync(join(this.root, 'mirrors'))[0]!);
  }

  mirrorRefs(): string[] {
    const mirrors = join(this.root, 'mirrors');
    return readdirSync(mirrors).flatMap((name) =>
      this.git(join(mirrors, name), 'for-each-ref', '--format=%(refname)').split('\n'),
    );
  }

  /** A file of the work that was kept of an agent. */
  kept(agentId: string, path: string): string {
    return this.git(this.mirror, 'show', `refs/writ/kept/${agentId}:${path}`);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof WritError) return error.code;
    throw error;
  }
}
