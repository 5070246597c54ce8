// Worktrees room: one bare mirror per repository, on the host only. It holds what was fetched, the base of every agent and the work kept
// of those that are gone. Agents never see it: what other agents left behind is in it.
import { createHash, randomUUID } from 'node:crypto';
import { mkdirSync, renameSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WritError } from '#protocol';
import { Flights } from './flights.js';
import type { GitRun } from './git.js';
import { git, GitFailure, gitLine } from './git.js';
import { ownWords, reasonOf } from './remotes/reasons.js';
import type { Remotes } from './remotes/remotes.js';
import { baseRef, headRef, keptRef, keptRefspecs } from './refs.js';

export interface FetchOptions {
  /** `file:` repositories are this machine's own: for the demo and the development of a spoke. */
  readonly allowFile: boolean;
  readonly fetchTimeMsMax: number;
  /** The largest pack that a fetch may write. */
  readonly fetchBytesMax: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly remotes: Remotes;
}

export class Mirrors {
  readonly #flights = new Flights();
  readonly #ready = new Map<string, Promise<unknown>>();
  /** How many are making a worktree from a mirror now, and how often one was begun. */
  readonly #users = new Map<string, number>();
  readonly #uses = new Map<string, number>();

  constructor(
    readonly root: string,
    private readonly options: FetchOptions,
  ) {}

  path(repository: string): string {
    return join(this.root, mirrorName(repository));
  }

  /** While the work goes on nobody takes the mirror away. */
  async using<T>(repository: string, work: () => Promise<T>): Promise<T> {
    const name = mirrorName(repository);
    this.#users.set(name, (this.#users.get(name) ?? 0) + 1);
    this.#uses.set(name, this.uses(name) + 1);
    try {
      return await work();
    } finally {
      this.#users.set(name, (this.#users.get(name) ?? 1) - 1);
    }
  }

  isUsed(name: string): boolean {
    return (this.#users.get(name) ?? 0) > 0;
  }

  /** Grows with every use: who looks twice sees whether there was one between. */
  uses(name: string): number {
    return this.#uses.get(name) ?? 0;
  }

  /** Only for one that nobody uses: it is moved away in one step, without waiting, and the next use makes it anew. */
  async drop(name: string): Promise<void> {
    const trash = join(this.root, '..', 'trash');
    mkdirSync(trash, { recursive: true, mode: 0o700 });
    const heap = join(trash, randomUUID());
    renameSync(join(this.root, name), heap);
    for (const repository of this.#ready.keys()) if (mirrorName(repository) === name) this.#ready.delete(repository);
    await rm(heap, { recursive: true, force: true });
  }

  /** Fetches a branch and returns its commit. Callers that want the same at the same time share one fetch. */
  async fetch(repository: string, branch: string, signal: AbortSignal): Promise<string> {
    await this.#make(repository);
    return this.#flights.join(repository, branch, signal, (flight) => this.#fetch(repository, branch, flight));
  }

  /** Holds a commit against garbage collection, and names it for the agent's own clone. */
  async setBase(repository: string, agentId: string, commit: string): Promise<void> {
    await git(['update-ref', baseRef(agentId), commit], { gitDir: this.path(repository) });
  }

  async dropBase(repository: string, agentId: string): Promise<void> {
    await git(['update-ref', '-d', baseRef(agentId)], { gitDir: this.path(repository) });
  }

  /**
   * Takes the work of an agent over from the host's git folder for it, and proves that its newest commit is there.
   * What comes was made by the host or checked when it was taken; whatever the files say, they are data here.
   */
  async keep(repository: string, agentId: string, from: string, commit: string): Promise<void> {
    const gitDir = this.path(repository);
    const refspecs = keptRefspecs(agentId);
    const args = ['--quiet', '--no-tags', '--no-write-fetch-head', '--end-of-options', from, ...refspecs];
    await git(['fetch', ...args], { gitDir });
    const found = await gitLine(['rev-parse', '--verify', `${keptRef(agentId)}^{commit}`], { gitDir });
    if (found !== commit) throw new WritError('internal', 'The work of the agent could not be kept.');
  }

  /** Crashes leave lock files, and a mirror has one owner: what is there before our first use is nobody's any more. */
  #make(repository: string): Promise<unknown> {
    const made = this.#ready.get(repository) ?? this.#init(this.path(repository));
    this.#ready.set(repository, made);
    made.catch(() => this.#ready.delete(repository));
    return made;
  }

  async #init(path: string): Promise<void> {
    await mkdir(path, { recursive: true, mode: 0o700 });
    await git(['init', '--quiet', '--bare', '--template=', '--', path]);
    const names = await readdir(path, { recursive: true });
    const locks = names.filter((name) => name.endsWith('.lock'));
    for (const lock of locks) await rm(join(path, lock), { force: true });
  }

  async #fetch(repository: string, branch: string, signal: AbortSignal): Promise<string> {
    const gitDir = this.path(repository);
    const ref = headRef(branch);
    const args = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--end-of-options'];
    try {
      const transport = await this.transport(repository, signal);
      await git(['fetch', ...args, repository, `+refs/heads/${branch}:${ref}`], { ...transport, gitDir });
      return await gitLine(['rev-parse', '--verify', `${ref}^{commit}`], { gitDir });
    } catch (error) {
      throw error instanceof GitFailure ? unavailable(branch, error, this.options.fetchTimeMsMax) : error;
    }
  }

  /** How git gets to a repository, bounded. @throws WritError `repository_unavailable` */
  async transport(repository: string, signal: AbortSignal): Promise<GitRun> {
    const { allowFile, fetchTimeMsMax, fetchBytesMax, environment, remotes } = this.options;
    const protocols = allowFile ? 'https:ssh:file' : 'https:ssh';
    const access = await remotes.access(repository);
    const bounds = { timeMsMax: fetchTimeMsMax, fileBytesMax: fetchBytesMax };
    // One pack, so that the limit on one file is the limit on all that comes.
    const config = ['fetch.unpackLimit=1'];
    return { signal, protocols, ...bounds, env: environment, access, config };
  }
}

function unavailable(branch: string, cause: GitFailure, timeMsMax: number): WritError {
  if (ownWords(cause.complaint).includes("couldn't find remote ref")) {
    const detail = `The repository has no branch \`${branch}\`.`;
    return new WritError('repository_unavailable', detail, { field: 'context.branch', cause });
  }
  return new WritError('repository_unavailable', reasonOf(cause, timeMsMax), { field: 'context.repository', cause });
}

export function mirrorName(repository: string): string {
  return `${sha256(repository)}.git`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
