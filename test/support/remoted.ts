// A repository that wants to know who asks, for tests: a bare one on disk, offered over https and ssh.
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GitWorktrees, remoteOptions, type Worktree, type WorktreeOptions } from '#agents';

export const token = 'writ-test-5f1c9d7e3b';
export const username = 'robot';
export const never: AbortSignal = new AbortController().signal;

/** The error that a promise ends in. */
export async function refusalOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('it was not refused');
}

export class Remoted {
  readonly folder = mkdtempSync(join(tmpdir(), 'writ-remotes-'));
  /** Of the servers: bare repositories. */
  readonly served = this.made('served');
  readonly keys = this.made('keys');
  readonly root = join(this.folder, 'root');
  readonly bare = join(this.served, 'team', 'sum.git');
  readonly tokenFile = this.secret('token', `${token}\n`);

  constructor() {
    const work = this.made('work');
    this.git(work, 'init', '--quiet', '--initial-branch=main');
    writeFileSync(join(work, 'sum.js'), 'one\n');
    this.git(work, 'add', '.');
    this.git(work, 'commit', '--quiet', '--message', 'first');
    this.git(work, 'clone', '--quiet', '--bare', work, this.bare);
  }

  /** Git as the owner of the repositories runs it. */
  git(cwd: string, ...args: string[]): string {
    const user = ['-c', 'user.name=S', '-c', 'user.email=s@example.org', '-c', 'safe.directory=*'];
    const env = { PATH: process.env.PATH, HOME: this.folder, GIT_CONFIG_NOSYSTEM: '1' };
    return execFileSync('git', [...user, ...args], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  }

  secret(name: string, text: string, mode = 0o600): string {
    const path = join(this.folder, name);
    writeFileSync(path, text, { mode });
    return path;
  }

  worktrees(remotes: unknown[], more: Partial<WorktreeOptions> = {}): GitWorktrees {
    return new GitWorktrees({ root: this.root, remotes: remoteOptions.parse(remotes), ...more });
  }

  create(worktrees: GitWorktrees, repository: string, branch = 'main'): Promise<Worktree> {
    return worktrees.create({ agentId: randomUUID(), repository, branch }, never);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private made(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  }
}
