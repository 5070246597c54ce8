// Worktrees room: the adapter over real git. On disk, below one folder that this spoke alone owns:
//
//   mirrors/<sha256 of the URL>.git   what was fetched, every agent's base, the work kept of agents that are gone
//   agents/<id>/tree                  what the sandbox shows as /work, with the agent's own git folder in it
//   agents/<id>/git                   the host's git folder for the same files
//   agents/<id>/checkpoints           files and conversation as they were before each turn
//   records/<id>.json                 making → ready → removed
//   ready/<id>/…                      worktrees of large repositories that nobody has seen, for the next agents
//   askpass                           the script by which git asks for a token
import { randomUUID } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { agentId as agentIdSchema, branchName, repositoryUrl, WritError } from '#protocol';
import { layRepository, takeCommits } from './agent-repository.js';
import { GitCheckpoints } from './checkpoints/git-checkpoints.js';
import { checkpointOptions, type CheckpointOptions } from './checkpoints/options.js';
import type { Site } from './checkpoints/taking.js';
import { git, gitLine } from './git.js';
import { Mirrors } from './mirrors.js';
import { agentBranch, keptRef } from './refs.js';
import type { RemoteOptions } from './remotes/options.js';
import { push, type Unpushed } from './remotes/push.js';
import { Remotes } from './remotes/remotes.js';
import type { WorktreeRecord } from './records.js';
import { Records } from './records.js';
import { snapshot } from './snapshot.js';
import { deleteTree } from './delete-tree.js';
import { preflight, topOf } from './preflight.js';
import { Shelf, type ReadyOptions } from './shelf.js';
import { GitStock } from './stock.js';
import { writeBundle } from './bundle.js';
import { outgoing } from './outgoing.js';
import type { Diff, Harvest, HarvestedWork, Outgoing, OutgoingBounds, Preflight, Worktree } from './worktrees.js';
import { Worktrees } from './worktrees.js';

export interface WorktreeOptions {
  /** Absolute; owned by this spoke alone. */
  readonly root: string;
  /** Whether `file:` repositories may be used: false by default. */
  readonly allowFile?: boolean;
  /** Whether something of the agent still lives; then its worktree is neither read nor removed. */
  readonly inUse?: (agentId: string) => Promise<boolean>;
  /** Two minutes by default. */
  readonly fetchTimeMsMax?: number;
  /** 4 GiB by default. */
  readonly fetchBytesMax?: number;
  /** How many commits an agent can look back: 50 by default. */
  readonly historyDepth?: number;
  /** How many checkpoints of a session are kept, and in how many bytes: 20 in 1 GiB by default. */
  readonly checkpoints?: CheckpointOptions;
  /** Worktrees made ahead: none by default. */
  readonly ready?: ReadyOptions;
  /** For the transports of a fetch alone: proxies, certificates. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Keys and tokens by repository: none by default. */
  readonly remotes?: RemoteOptions;
  /** A variable with a token, read when it is needed. */
  readonly variable?: (name: string) => string | undefined;
}

const defaults = { allowFile: false, fetchTimeMsMax: 120_000, fetchBytesMax: 4 * 2 ** 30, environment: {} };
const historyDepthDefault = 50;
const leftoverMessage = 'Work found when the agent was removed\n';

export class GitWorktrees extends Worktrees {
  readonly #records: Records;
  readonly #mirrors: Mirrors;
  /** What a crash left in the trash goes before anything new comes. */
  #emptied?: Promise<void>;
  readonly #shelf: Shelf;
  override readonly stock: GitStock;
  override readonly checkpoints: GitCheckpoints;

  constructor(private readonly options: WorktreeOptions) {
    super();
    this.#records = new Records(options.root);
    const { root: folder, remotes: known = [], variable = () => undefined } = options;
    const remotes = new Remotes({ remotes: known, folder, variable });
    this.#mirrors = new Mirrors(join(options.root, 'mirrors'), { ...defaults, ...options, remotes });
    this.#shelf = new Shelf(options.root, this.#mirrors, options.ready ?? { max: 0, filesMin: 0 });
    this.stock = new GitStock(options.root, this.#records, this.#mirrors, this.#shelf);
    this.checkpoints = new GitCheckpoints({
      options: options.checkpoints ?? checkpointOptions.parse({}),
      site: (agentId) => this.#site(agentId),
      notInUse: (agentId) => this.#notInUse(agentId),
    });
  }

  override async create(
    request: { agentId: string; repository: string; branch: string },
    signal: AbortSignal,
  ): Promise<Worktree> {
    check(request);
    const found = await this.#records.read(request.agentId);
    if (found?.state === 'ready') return this.#worktree(found);
    if (found?.state === 'removed') throw gone();
    return this.#mirrors.using(request.repository, async () => {
      const base = await this.#mirrors.fetch(request.repository, request.branch, signal);
      return this.#make({ format: 1, ...request, base, state: 'making' }, signal);
    });
  }

  override async preflight(agentId: string): Promise<Preflight | null> {
    const record = await this.#record(agentId);
    if (record.state !== 'ready') return null;
    await this.#notInUse(agentId);
    return preflight(this.#records.places(agentId), { ...record, mirror: this.#mirrors.path(record.repository) });
  }

  override async harvest(agentId: string, message: string): Promise<Harvest | null> {
    const record = await this.#ready(agentId);
    await this.#notInUse(agentId);
    const places = this.#records.places(agentId);
    const branch = agentBranch(agentId);
    const { head } = await takeCommits(places, this.#origin(record));
    const commit = await snapshot(places, head, message);
    await git(['update-ref', `refs/heads/${branch}`, commit], { gitDir: places.git });
    const changed = commit !== record.base;
    await this.#records.write({ ...record, harvested: changed ? commit : undefined });
    if (!changed) return null;
    return { branch, commit, changes: await changes(places.git, record.base, commit) };
  }

  override async push(
    agentId: string,
    to: { readonly branch: string; readonly evenDefault: boolean },
    signal: AbortSignal,
  ): Promise<Unpushed> {
    const { repository, harvested: commit } = await this.#ready(agentId);
    if (!commit) throw new WritError('invalid_transition', 'There is nothing of this agent to push.');
    if (!branchName.safeParse(to.branch).success) throw invalid('options.push.branch');
    try {
      const transport = await this.#mirrors.transport(repository, signal);
      return await push({ repository, gitDir: this.#records.places(agentId).git, commit, ...to }, transport);
    } catch (cause) {
      if (cause instanceof WritError) return { reason: cause.detail, cause };
      throw cause;
    }
  }

  override async outgoing(agentId: string, bounds: OutgoingBounds): Promise<Outgoing | null> {
    const record = await this.#record(agentId);
    const { base, harvested: commit } = record;
    return commit ? outgoing({ gitDir: this.#gitDir(record), base, commit }, bounds) : null;
  }

  override async diff(agentId: string, bytesMax: number): Promise<Diff> {
    const record = await this.#record(agentId);
    const { base, harvested } = record;
    if (!harvested) return { text: '', truncated: false };
    const gitDir = this.#gitDir(record);
    const args = ['--no-ext-diff', '--no-textconv', '--no-color', '--end-of-options', base, harvested];
    const { text, truncated } = await git(['diff', ...args, '--'], { gitDir, outputBytesMax: bytesMax });
    return { text, truncated };
  }

  override async harvested(agentId: string): Promise<HarvestedWork | null> {
    const { base, harvested: commit } = await this.#record(agentId);
    return commit === undefined ? null : { base, commit };
  }

  override async bundle(agentId: string, work: HarvestedWork, to: { file: string; bytesMax: number }): Promise<void> {
    const from = this.#gitDir(await this.#record(agentId));
    await writeBundle({ from, ref: `refs/heads/${agentBranch(agentId)}`, ...work }, to);
  }

  override async remove(agentId: string): Promise<'removed' | 'absent'> {
    checkId(agentId);
    const record = await this.#records.read(agentId);
    const hasFolder = (await this.known()).includes(agentId);
    if (!record && hasFolder) throw new WritError('invalid_transition', 'A worktree without a record is not removed.');
    if (!record || (record.state === 'removed' && !hasFolder)) return 'absent';
    await this.#notInUse(agentId);
    if (record.state === 'ready') await this.#keep(record);
    await this.#discard(agentId);
    await this.#mirrors.dropBase(record.repository, agentId);
    if (record.state === 'making') await this.#records.forget(agentId);
    return 'removed';
  }

  override known(): Promise<readonly string[]> {
    return this.#records.withFolder();
  }

  /** What a crash left half made has nothing of an agent in it yet: it is made anew. */
  async #make(record: WorktreeRecord, signal: AbortSignal): Promise<Worktree> {
    const { agentId, repository, base } = record;
    await this.#records.write(record);
    await this.#discard(agentId);
    await this.#mirrors.setBase(repository, agentId, base);
    const places = this.#records.places(agentId);
    const origin = this.#origin(record);
    await mkdir(dirname(places.folder), { recursive: true, mode: 0o700 });
    if (!(await this.#shelf.hand(repository, places, origin, signal))) {
      await mkdir(places.folder, { mode: 0o700 });
      await layRepository(places, origin, signal);
    }
    this.#shelf.restock(repository, places, origin);
    await this.#records.write({ ...record, state: 'ready' });
    return this.#worktree(record);
  }

  /** Everything that is in the worktree is in the mirror before the record says that it may go. */
  async #keep(record: WorktreeRecord): Promise<void> {
    const { agentId, repository, base, harvested } = record;
    const places = this.#records.places(agentId);
    const { top, others } = await topOf(places, { base, harvested, mirror: this.#mirrors.path(repository) });
    const commit = await snapshot(places, top, leftoverMessage);
    if (commit !== base || harvested || others) {
      await git(['update-ref', keptRef(agentId), commit], { gitDir: places.git });
      await this.#mirrors.keep(repository, agentId, places.git, commit);
    }
    await this.#records.write({ ...record, state: 'removed', kept: commit === base ? undefined : commit });
  }

  /** Gone in one step, then deleted at leisure: a crash leaves no half of a worktree where one is looked for. */
  async #discard(agentId: string): Promise<void> {
    const trash = join(this.options.root, 'trash');
    const heap = join(trash, randomUUID());
    await (this.#emptied ??= deleteTree(trash));
    await mkdir(trash, { recursive: true, mode: 0o700 });
    const moved = await rename(this.#records.places(agentId).folder, heap).then(() => true, absent);
    if (moved) await deleteTree(heap);
  }

  async #notInUse(agentId: string): Promise<void> {
    if (await this.options.inUse?.(agentId))
      throw new WritError('invalid_transition', 'The agent still lives: its worktree is left alone.');
  }

  async #ready(agentId: string): Promise<WorktreeRecord> {
    const record = await this.#record(agentId);
    if (record.state !== 'ready') throw gone();
    return record;
  }

  async #record(agentId: string): Promise<WorktreeRecord> {
    checkId(agentId);
    const record = await this.#records.read(agentId);
    if (!record) throw new WritError('not_found', 'The agent never had a worktree here.');
    return record;
  }

  async #site(agentId: string): Promise<Site> {
    const record = await this.#ready(agentId);
    return { record, places: this.#records.places(agentId), mirror: this.#mirrors.path(record.repository) };
  }

  #origin({ agentId, repository, branch, base }: WorktreeRecord): Parameters<typeof layRepository>[1] {
    const historyDepth = this.options.historyDepth ?? historyDepthDefault;
    return { agentId, mirror: this.#mirrors.path(repository), branch, base, historyDepth };
  }

  /** Where the harvested work is, also after the removal. */
  #gitDir({ agentId, state, repository }: WorktreeRecord): string {
    return state === 'removed' ? this.#mirrors.path(repository) : this.#records.places(agentId).git;
  }

  #worktree({ agentId, base }: WorktreeRecord): Worktree {
    return { agentId, path: this.#records.places(agentId).tree, branch: agentBranch(agentId), base };
  }
}

async function changes(gitDir: string, base: string, commit: string): Promise<Harvest['changes']> {
  const line = await gitLine(['diff', '--shortstat', '--no-ext-diff', '--no-textconv', base, commit, '--'], { gitDir });
  const figure = (word: string): number => Number(new RegExp(`(\\d+) ${word}`).exec(line)?.[1] ?? 0);
  return { files: figure('file'), insertions: figure('insertion'), deletions: figure('deletion') };
}

/** The doors have checked these too; here they become paths and arguments of git. */
function check(request: { agentId: string; repository: string; branch: string }): void {
  checkId(request.agentId);
  if (!repositoryUrl.safeParse(request.repository).success) throw invalid('context.repository');
  if (!branchName.safeParse(request.branch).success) throw invalid('context.branch');
}

function checkId(agentId: string): void {
  if (!agentIdSchema.safeParse(agentId).success) throw invalid('agentId');
}

function invalid(field: string): WritError {
  return new WritError('invalid_request', `\`${field}\` is not valid.`, { field });
}

function gone(): WritError {
  return new WritError('invalid_transition', 'The worktree of this agent was removed.');
}

function absent(error: NodeJS.ErrnoException): boolean {
  if (error.code === 'ENOENT') return false;
  throw error;
}
