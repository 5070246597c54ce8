// Group commit: what is committed in one tick of the event loop shares one transaction and one sync.
import { StoreError, unavailable } from '../error.js';
import type { CompiledCommit } from '../request.js';
import type { CommitResult } from '../store.js';
import type { Statements } from './statements.js';

/** One transaction takes at most this many commits, so that reads get their turn in between. */
const batchMax = 1_024;
/** More waiting commits than this are refused: the caller is faster than the disk. */
const pendingMax = 65_536;
/** The same in bytes of values. */
const pendingBytesMax = 256 * 1024 * 1024;
/** How many expired records one transaction may remove, and how often it looks. */
const sweepMax = 256;
const sweepEveryMs = 1_000;

interface Waiting {
  readonly commit: CompiledCommit;
  readonly settle: PromiseWithResolvers<CommitResult>;
}

export class Writer {
  #waiting: Waiting[] = [];
  #bytes = 0;
  #scheduled = false;
  #nextSweepAt = 0;

  constructor(
    private readonly statements: Statements,
    private readonly format: number,
    private readonly clock: () => number,
    private readonly appended: (stream: string) => void,
  ) {}

  /** Resolves when the commit's transaction is synced. Its own failed check concerns no other commit. */
  commit(commit: CompiledCommit): Promise<CommitResult> {
    if (this.#waiting.length >= pendingMax || this.#bytes > pendingBytesMax)
      throw new StoreError('store_unavailable', 'Too many commits are waiting for the disk.');
    const settle = Promise.withResolvers<CommitResult>();
    this.#waiting.push({ commit, settle });
    this.#bytes += commit.bytes;
    this.#schedule();
    return settle.promise;
  }

  /** Writes out everything that waits, now. */
  drain(): void {
    while (this.#waiting.length > 0) this.#flush();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      this.#flush();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #flush(): void {
    const batch = this.#waiting.slice(0, batchMax);
    if (batch.length === 0) return;
    this.#waiting = this.#waiting.slice(batchMax);
    for (const { commit } of batch) this.#bytes -= commit.bytes;
    this.#settle(batch);
  }

  #settle(batch: readonly Waiting[]): void {
    try {
      const results = this.#transact(batch);
      for (const [index, result] of results.entries()) batch[index]?.settle.resolve(result);
    } catch (error) {
      const failure = unavailable(error, 'The store could not write; nothing of this commit was kept.');
      for (const { settle } of batch) settle.reject(failure);
      return;
    }
    for (const { commit } of batch) for (const { stream } of commit.appends) this.appended(stream);
  }

  #transact(batch: readonly Waiting[]): CommitResult[] {
    this.statements.begin.run();
    try {
      const results = this.#applyAll(batch);
      this.statements.commit.run();
      return results;
    } catch (error) {
      this.#rollback();
      throw error;
    }
  }

  /** A full disk makes SQLite roll back by itself; then there is nothing left to do. */
  #rollback(): void {
    try {
      this.statements.rollback.run();
    } catch {
      return;
    }
  }

  #applyAll(batch: readonly Waiting[]): CommitResult[] {
    const now = this.clock();
    const heads = new StreamHeads(this.statements);
    const before = Number(this.statements.meta.get('version')?.['value'] ?? 0);
    const results = batch.map(({ commit }, index) => this.#apply(commit, heads, before + index + 1, now));
    heads.write();
    this.statements.setMeta.run('version', before + batch.length);
    this.#sweep(now);
    return results;
  }

  #apply(commit: CompiledCommit, heads: StreamHeads, version: number, now: number): CommitResult {
    const { version: current, put, remove } = this.statements;
    for (const check of commit.checks) {
      const found = current.get(Buffer.from(check.key), now)?.['version'];
      if ((found === undefined ? null : String(found)) !== check.version) return { ok: false, conflict: check.source };
    }
    for (const { key, json, ttlMs } of commit.puts)
      put.run(Buffer.from(key), json, version, ttlMs === null ? null : now + ttlMs, this.format);
    for (const key of commit.deletes) remove.run(Buffer.from(key));
    return { ok: true, version: String(version), cursors: commit.appends.map((append) => this.#append(heads, append)) };
  }

  #append(heads: StreamHeads, { stream, json }: CompiledCommit['appends'][number]): number {
    const { id, head } = heads.advance(stream);
    this.statements.append.run(id, head, json, this.format);
    return head;
  }

  /** Bounded, and at once again while there is more than one sweep can take. */
  #sweep(now: number): void {
    if (now < this.#nextSweepAt && now > this.#nextSweepAt - 2 * sweepEveryMs) return;
    const { changes } = this.statements.sweep.run(now, sweepMax);
    this.#nextSweepAt = changes === sweepMax ? now : now + sweepEveryMs;
  }
}

/** The heads of the streams that one transaction appends to: read once, written once. */
class StreamHeads {
  readonly #open = new Map<string, { readonly id: number; head: number }>();

  constructor(private readonly statements: Statements) {}

  advance(stream: string): { readonly id: number; readonly head: number } {
    const found = this.#open.get(stream) ?? this.#load(stream);
    found.head++;
    return found;
  }

  write(): void {
    for (const { id, head } of this.#open.values()) this.statements.setHead.run(head, id);
  }

  #load(stream: string): { readonly id: number; head: number } {
    const found = this.statements.openStream.get(Buffer.from(stream)) as { id: number; head: number };
    this.#open.set(stream, found);
    return found;
  }
}
