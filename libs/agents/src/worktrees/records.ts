// Worktrees room: what is known on disk of every agent's worktree. The record outlives the worktree: it says where the work was kept.
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { agentId as agentIdSchema, branchName, commitHash, repositoryUrl } from '#protocol';
import { changedAt } from './disk.js';

/** `making` → `ready` → `removed`; a crash leaves the state before the step that it cut. */
const worktreeRecord = z.strictObject({
  format: z.literal(1),
  agentId: agentIdSchema,
  repository: repositoryUrl,
  branch: branchName,
  base: commitHash,
  state: z.enum(['making', 'ready', 'removed']),
  /** The agent's branch when it was last harvested, absent when there was nothing. */
  harvested: commitHash.optional(),
  /** The commit under the kept ref: what was harvested and, above it, what was found at the removal. */
  kept: commitHash.optional(),
});

export type WorktreeRecord = z.infer<typeof worktreeRecord>;

/** The places of one agent. `tree` is all that a sandbox shows; `git` is the host's own view of it. */
export interface Places {
  readonly folder: string;
  readonly tree: string;
  readonly git: string;
  readonly quarantine: string;
  /** What the agent had before each of its turns. */
  readonly checkpoints: string;
}

export class Records {
  constructor(private readonly root: string) {}

  places(agentId: string): Places {
    return placesIn(join(this.root, 'agents', agentIdSchema.parse(agentId)));
  }

  async read(agentId: string): Promise<WorktreeRecord | null> {
    const text = await readFile(this.#file(agentId), 'utf8').catch(nullIfAbsent);
    return text === null ? null : worktreeRecord.parse(JSON.parse(text));
  }

  /** Whole or not at all. */
  async write(record: WorktreeRecord): Promise<void> {
    const file = this.#file(record.agentId);
    const draft = `${file}.${randomUUID()}`;
    await mkdir(join(this.root, 'records'), { recursive: true, mode: 0o700 });
    await writeFile(draft, JSON.stringify(record), { mode: 0o600, flush: true });
    await rename(draft, file);
  }

  /** Every agent that has or had a worktree here. */
  async agents(): Promise<readonly string[]> {
    const names = (await readdir(join(this.root, 'records')).catch(nullIfAbsent)) ?? [];
    const ids = names.filter((name) => name.endsWith('.json')).map((name) => name.slice(0, -'.json'.length));
    return ids.filter((id) => agentIdSchema.safeParse(id).success);
  }

  /** When its state last changed, epoch milliseconds; undefined without a record. */
  changedAt(agentId: string): Promise<number | undefined> {
    return changedAt(this.#file(agentId));
  }

  /** Only for one that never became ready, or whose kept work was given up. */
  async forget(agentId: string): Promise<void> {
    await rm(this.#file(agentId), { force: true });
  }

  async withFolder(): Promise<readonly string[]> {
    const names = (await readdir(join(this.root, 'agents')).catch(nullIfAbsent)) ?? [];
    return names.filter((name) => agentIdSchema.safeParse(name).success);
  }

  #file(agentId: string): string {
    return join(this.root, 'records', `${agentIdSchema.parse(agentId)}.json`);
  }
}

/** As a worktree lies in its folder. */
export function placesIn(folder: string): Places {
  const [tree, git] = [join(folder, 'tree'), join(folder, 'git')];
  return { folder, tree, git, quarantine: join(folder, 'quarantine'), checkpoints: join(folder, 'checkpoints') };
}

function nullIfAbsent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}
