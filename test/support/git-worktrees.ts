// Worktrees by plain git on a folder, kept under a ref before removal.
import { execFile } from 'node:child_process';
import { access, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Worktrees, type Diff, type Harvest, type Worktree } from '#agents';
import { WritError } from '#protocol';

const run = promisify(execFile);
const identity = ['-c', 'user.name=Agent', '-c', 'user.email=agent@example.org'];

export class GitWorktrees extends Worktrees {
  private mirroring?: Promise<string>;

  constructor(private readonly folder: string) {
    super();
  }

  override async create({
    agentId,
    repository,
    branch,
  }: {
    agentId: string;
    repository: string;
    branch: string;
  }): Promise<Worktree> {
    try {
      const mirror = await (this.mirroring ??= this.mirror(repository));
      const path = join(this.folder, 'trees', agentId);
      const own = `writ/${agentId}`;
      await this.git(mirror, 'worktree', 'add', '-q', '-b', own, '--', path, `refs/heads/${branch}`);
      const base = (await this.git(path, 'rev-parse', 'HEAD')).trim();
      return { agentId, path, branch: own, base };
    } catch (cause) {
      throw new WritError('repository_unavailable', 'The repository could not be fetched.', { cause });
    }
  }

  override async harvest(agentId: string, message: string): Promise<Harvest | null> {
    const path = join(this.folder, 'trees', agentId);
    await this.git(path, 'add', '-A');
    const stat = await this.git(path, 'diff', '--cached', '--shortstat');
    if (stat.trim() === '') return null;
    await this.git(path, ...identity, 'commit', '-qm', message);
    const count = (word: string) => Number(new RegExp(`(\\d+) ${word}`).exec(stat)?.[1] ?? 0);
    const changes = { files: count('file'), insertions: count('insertion'), deletions: count('deletion') };
    return { branch: `writ/${agentId}`, commit: (await this.git(path, 'rev-parse', 'HEAD')).trim(), changes };
  }

  override async diff(agentId: string, bytesMax: number): Promise<Diff> {
    const text = await this.git(join(this.folder, 'mirror'), 'diff', `main...refs/heads/writ/${agentId}`);
    return { text: text.slice(0, bytesMax), truncated: text.length > bytesMax };
  }

  override async remove(agentId: string): Promise<'removed' | 'absent'> {
    const path = join(this.folder, 'trees', agentId);
    if (
      !(await access(path).then(
        () => true,
        () => false,
      ))
    )
      return 'absent';
    await this.harvest(agentId, 'kept');
    await this.git(join(this.folder, 'mirror'), 'worktree', 'remove', '--force', '--', path);
    return 'removed';
  }

  override async known(): Promise<readonly string[]> {
    return readdir(join(this.folder, 'trees')).catch(() => []);
  }

  private async mirror(repository: string): Promise<string> {
    const path = join(this.folder, 'mirror');
    await mkdir(this.folder, { recursive: true });
    if (
      await access(path).then(
        () => true,
        () => false,
      )
    )
      return path;
    await run('git', ['clone', '-q', '--bare', '--', repository, path]).catch(async (cause: unknown) => {
      await rm(path, { recursive: true, force: true });
      throw cause;
    });
    return path;
  }

  private async git(folder: string, ...args: string[]): Promise<string> {
    const { stdout } = await run('git', ['-C', folder, ...args], { maxBuffer: 64 * 2 ** 20 });
    return stdout;
  }
}
