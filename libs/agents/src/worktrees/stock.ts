// Worktrees room: what lies on disk beside the worktrees, and how it goes. Who decides that it may go is not here.
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { agentId as agentIdSchema } from '#protocol';
import { changedAt, diskBytes } from './disk.js';
import { git, GitFailure, gitLine } from './git.js';
import { mirrorName, type Mirrors } from './mirrors.js';
import type { Records, WorktreeRecord } from './records.js';
import { keptRef } from './refs.js';
import type { Shelf } from './shelf.js';
import { Stock, type KeptWork, type StoredMirror } from './worktrees.js';

/** Refs in a mirror that hold work of agents that are gone. */
const keeping = ['refs/writ/kept', 'refs/writ/harvested', 'refs/writ/kept-others'] as const;

/** A large mirror takes its time; what agents do goes on meanwhile. */
const compactMsMax = 1_800_000;

export class GitStock extends Stock {
  constructor(
    private readonly root: string,
    private readonly records: Records,
    private readonly mirrorsOf: Mirrors,
    private readonly shelf: Shelf,
  ) {
    super();
  }

  override bytes(): Promise<number> {
    return diskBytes(this.root);
  }

  override async worktree(agentId: string): Promise<{ readonly bytes: number; readonly changedAtMs: number }> {
    const { folder } = this.records.places(agentId);
    const changedAtMs = (await this.records.changedAt(agentId)) ?? (await changedAt(folder)) ?? 0;
    return { bytes: await diskBytes(folder), changedAtMs };
  }

  override async keptRef(agentId: string): Promise<string | undefined> {
    const record = await this.records.read(agentId);
    return record?.state === 'removed' && record.kept ? keptRef(agentId) : undefined;
  }

  override async mirrors(): Promise<readonly StoredMirror[]> {
    const users = await this.users();
    return Promise.all((await this.names()).map((name) => this.mirror(name, users.get(name) ?? [])));
  }

  override async kept(): Promise<readonly KeptWork[]> {
    const found = await Promise.all((await this.names()).map((name) => this.keptIn(name)));
    return found.flat().sort((a, b) => a.keptAtMs - b.keptAtMs);
  }

  /** Looks again: a mirror without work and worktrees can have got one meanwhile. From the last look on nothing waits. */
  override async dropMirror(id: string): Promise<boolean> {
    const before = this.mirrorsOf.uses(id);
    const { inUse } = await this.mirror(id, (await this.users()).get(id) ?? []);
    if (inUse || this.mirrorsOf.uses(id) !== before) return false;
    this.shelf.drop(id);
    await this.mirrorsOf.drop(id);
    return true;
  }

  override async dropReady(): Promise<boolean> {
    const isLess = this.shelf.drop();
    await this.shelf.idle();
    return isLess;
  }

  /** Resolves when nothing is made or thrown away in the background any more. */
  settled(): Promise<void> {
    return this.shelf.idle();
  }

  override async dropKept({ agentId, mirror }: KeptWork): Promise<void> {
    const gitDir = join(this.mirrorsOf.root, mirror);
    const refs = (await this.refs(gitDir)).filter(({ ref }) => agentOf(ref) === agentId);
    await git(['update-ref', '--stdin'], { gitDir, input: refs.map(({ ref }) => `delete ${ref}\n`).join('') });
    await this.records.forget(agentId);
  }

  override async compact(mirror: string, graceMs: number): Promise<void> {
    const run = { gitDir: join(this.mirrorsOf.root, mirror), timeMsMax: compactMsMax };
    await git(['gc', '--quiet', `--prune=${Math.ceil(graceMs / 1_000)}.seconds.ago`], run);
  }

  private async names(): Promise<readonly string[]> {
    const names = await readdir(this.mirrorsOf.root).catch(() => []);
    return names.filter((name) => /^[0-9a-f]{64}\.git$/.test(name));
  }

  private async users(): Promise<Map<string, WorktreeRecord[]>> {
    const users = new Map<string, WorktreeRecord[]>();
    for (const agentId of await this.records.agents()) {
      const record = await this.records.read(agentId);
      if (!record) continue;
      const name = mirrorName(record.repository);
      users.set(name, [...(users.get(name) ?? []), record]);
    }
    return users;
  }

  private async mirror(id: string, users: readonly WorktreeRecord[]): Promise<StoredMirror> {
    const path = join(this.mirrorsOf.root, id);
    const times = await Promise.all(users.map(({ agentId }) => this.records.changedAt(agentId)));
    const usedAtMs = Math.max((await changedAt(path)) ?? 0, ...times.map((time) => time ?? 0));
    const isBusy = this.mirrorsOf.isUsed(id) || users.some(({ state }) => state !== 'removed');
    const inUse = isBusy || (await this.holdsWork(path));
    const repository = users[0]?.repository;
    return { id, bytes: await diskBytes(path), usedAtMs, inUse, ...(repository === undefined ? {} : { repository }) };
  }

  /** One that cannot be read may hold work: it stays. */
  private holdsWork(gitDir: string): Promise<boolean> {
    return this.refs(gitDir).then((refs) => refs.length > 0, trueIfUnreadable);
  }

  private async keptIn(mirror: string): Promise<KeptWork[]> {
    const gitDir = join(this.mirrorsOf.root, mirror);
    const present = new Set(await this.records.withFolder());
    const newest = new Map<string, number>();
    for (const { ref, atMs } of await this.refs(gitDir).catch(noneIfUnreadable))
      newest.set(agentOf(ref), Math.max(atMs, newest.get(agentOf(ref)) ?? 0));
    const gone = [...newest].filter(([agentId]) => !present.has(agentId));
    return Promise.all(gone.map(([agentId, atMs]) => this.keptWork(agentId, mirror, atMs)));
  }

  private async keptWork(agentId: string, mirror: string, committedAtMs: number): Promise<KeptWork> {
    const gitDir = join(this.mirrorsOf.root, mirror);
    const keptAtMs = Math.max(committedAtMs, (await this.records.changedAt(agentId)) ?? 0);
    const refs = (await this.refs(gitDir)).filter(({ ref }) => agentOf(ref) === agentId).map(({ ref }) => ref);
    const args = ['--disk-usage', '--objects', ...refs, '--not', '--glob=refs/writ/heads/*'];
    const bytes = Number(await gitLine(['rev-list', ...args], { gitDir }));
    return { agentId, mirror, bytes, keptAtMs };
  }

  private async refs(gitDir: string): Promise<{ readonly ref: string; readonly atMs: number }[]> {
    const format = '--format=%(refname) %(committerdate:unix)';
    const { text } = await git(['for-each-ref', format, ...keeping], { gitDir });
    const found = text.split('\n').map((line) => line.split(' '));
    return found.flatMap(([ref, time]) => (ref && isAgents(ref) ? [{ ref, atMs: Number(time) * 1_000 }] : []));
  }
}

function trueIfUnreadable(error: unknown): true {
  if (error instanceof GitFailure) return true;
  throw error;
}

function noneIfUnreadable(error: unknown): [] {
  if (error instanceof GitFailure) return [];
  throw error;
}

function agentOf(ref: string): string {
  return ref.split('/')[3] ?? '';
}

function isAgents(ref: string): boolean {
  return agentIdSchema.safeParse(agentOf(ref)).success;
}
