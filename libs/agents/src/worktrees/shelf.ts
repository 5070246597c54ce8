// Worktrees room: worktrees of large repositories that lie ready for the next agent of a branch. No agent has seen them; what is here
// can be thrown away at any time. On disk `ready/<id>/{tree,git}`, as a worktree, under an id that is no agent's.
//
//   handed out → another is made in the background → lies ready → renamed to its agent's, brought to the branch's newest commit
//                                                      └── too many, too old, the disk is full, another life: away
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adopt, forward, layRepository, type Origin } from './agent-repository.js';
import { deleteTree } from './delete-tree.js';
import { filesIn } from './disk.js';
import { GitFailure } from './git.js';
import { mirrorName, type Mirrors } from './mirrors.js';
import { placesIn, type Places } from './records.js';

export interface ReadyOptions {
  /** How many lie ready at most, over all repositories; 0: none are made. */
  readonly max: number;
  /** Only of branches with at least so many files: others are made as fast as they are handed out. */
  readonly filesMin: number;
}

interface Ready {
  readonly id: string;
  readonly repository: string;
  readonly origin: Origin;
  readonly madeAtMs: number;
}

/** One that nobody has wanted for so long goes when the next is made. */
const idleMsMax = 3_600_000;
const note = 'repository';

export class Shelf {
  readonly #folder: string;
  /** The oldest first. */
  #ready: Ready[] = [];
  readonly #making = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();
  #swept?: Promise<void>;

  constructor(
    root: string,
    private readonly mirrors: Mirrors,
    private readonly options: ReadyOptions,
    private readonly now: () => number = Date.now,
  ) {
    this.#folder = join(root, 'ready');
  }

  /** Makes one the agent's, at its base; false when there is none, or none that can be brought there. The places are free then. */
  async hand(repository: string, places: Places, wanted: Origin, signal: AbortSignal): Promise<boolean> {
    const ready = this.#take(repository, wanted.branch);
    if (!ready) return false;
    try {
      await rename(this.#places(ready.id).folder, places.folder);
      await rm(join(places.folder, note));
      await adopt(places, ready.origin, wanted);
      if (ready.origin.base !== wanted.base) await forward(places, ready.origin, wanted, signal);
      return true;
    } catch (error) {
      await deleteTree(places.folder);
      signal.throwIfAborted();
      if (error instanceof GitFailure || (error as NodeJS.ErrnoException).code === 'ENOENT') return false;
      throw error;
    } finally {
      this.#later(() => this.mirrors.dropBase(repository, ready.id));
    }
  }

  /** Makes another like the one in these places, in the background, one after the other. What goes wrong is made good by the next. */
  restock(repository: string, { git }: Places, origin: Origin): void {
    const key = JSON.stringify([repository, origin.branch]);
    const isThere = this.#ready.some(
      (ready) => ready.repository === repository && ready.origin.branch === origin.branch,
    );
    if (this.options.max === 0 || isThere || this.#making.has(key)) return;
    this.#making.add(key);
    const isLarge = filesIn(join(git, 'index')).then((files) => files >= this.options.filesMin);
    this.#later(async () => {
      try {
        if (await isLarge) await this.mirrors.using(repository, () => this.#make(repository, origin));
      } finally {
        this.#making.delete(key);
      }
    });
  }

  /** Away with those of a mirror, or with all; true when there were any. Nobody gets one of these from here on. */
  drop(mirror?: string): boolean {
    const gone = this.#ready.filter(({ repository }) => mirror === undefined || mirrorName(repository) === mirror);
    this.#ready = this.#ready.filter((ready) => !gone.includes(ready));
    for (const ready of gone) this.#later(() => this.#discard(ready));
    return gone.length > 0;
  }

  /** Resolves when nothing is done in the background any more. */
  async idle(): Promise<void> {
    for (let last; last !== this.#last;) await (last = this.#last);
  }

  #take(repository: string, branch: string): Ready | undefined {
    const found = this.#ready.find((ready) => ready.repository === repository && ready.origin.branch === branch);
    this.#ready = this.#ready.filter((ready) => ready !== found);
    return found;
  }

  async #make(repository: string, like: Origin): Promise<void> {
    await (this.#swept ??= this.#sweep());
    const id = randomUUID();
    const places = this.#places(id);
    const origin = { ...like, agentId: id };
    await mkdir(places.folder, { recursive: true, mode: 0o700 });
    await writeFile(join(places.folder, note), repository, { mode: 0o600 });
    const ready = { id, repository, origin, madeAtMs: this.now() };
    try {
      await this.mirrors.setBase(repository, id, origin.base);
      await layRepository(places, origin, new AbortController().signal);
    } catch (error) {
      await this.#discard(ready);
      throw error;
    }
    this.#ready.push(ready);
    const old = this.#ready.filter(({ madeAtMs }) => this.now() - madeAtMs > idleMsMax);
    const excess = this.#ready.slice(0, Math.max(0, this.#ready.length - this.options.max));
    const gone = new Set([...old, ...excess]);
    this.#ready = this.#ready.filter((one) => !gone.has(one));
    for (const one of gone) await this.#discard(one);
  }

  /** What another life of this spoke left. */
  async #sweep(): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const id of names) {
      const repository = await readFile(join(this.#folder, id, note), 'utf8').catch(() => undefined);
      await this.#discard({ id, repository });
    }
  }

  async #discard({ id, repository }: { readonly id: string; readonly repository?: string | undefined }): Promise<void> {
    await deleteTree(join(this.#folder, id));
    // A mirror that is gone has none of its refs.
    if (repository !== undefined) await this.mirrors.dropBase(repository, id).catch(() => undefined);
  }

  #places(id: string): Places {
    return placesIn(join(this.#folder, id));
  }

  /** In the background, one after the other; a failure costs time later and nothing else. */
  #later(work: () => Promise<void>): void {
    this.#last = this.#last.then(work).catch(() => undefined);
  }
}
