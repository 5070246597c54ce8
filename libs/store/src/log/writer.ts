// The writing side of a log. A chain has one end, so its commits go one after the other; what waits meanwhile goes
// together into the next commit, as long as no two of them touch the same record.
import { StoreError } from '../error.js';
import { encodeKey } from '../key.js';
import type { Commit, CommitResult, Key, Store } from '../store.js';
import { chain, type Head, type KnownHead, loadHead, type LogPosition, type StoredRow } from './chain.js';

/** More commits than this do not wait for the store: the next is refused. */
const waitingMax = 16_384;
/** How many commits go together. */
const groupMax = 64;
/** How often another replica may be quicker before a commit gives up. */
const attemptsMax = 100;

/** `rows` are the positions of the entries; on conflict, `conflict` is a key of the caller's own checks. */
export type LogCommitResult =
  | (Extract<CommitResult, { ok: true }> & { readonly rows: readonly LogPosition[] })
  | Extract<CommitResult, { ok: false }>;

interface Waiting {
  readonly commit: Commit;
  readonly texts: readonly string[];
  /** Encoded keys: all that the commit looks at or changes, and those that it changes. */
  readonly touched: ReadonlySet<string>;
  readonly written: ReadonlySet<string>;
  readonly settle: PromiseWithResolvers<LogCommitResult>;
}

export class LogWriter {
  readonly #stream: string;
  #waiting: Waiting[] = [];
  #running = false;
  #known?: KnownHead;

  constructor(
    private readonly store: Store,
    private readonly name: Key,
  ) {
    this.#stream = encodeKey(name);
  }

  /** @throws StoreError `invalid` when the commit touches the log's own records; else as `Store.commit`. */
  async commit(commit: Commit, texts: readonly string[]): Promise<LogCommitResult> {
    if (this.#waiting.length >= waitingMax)
      throw new StoreError('store_unavailable', 'Too many commits are waiting for the log.');
    const written = new Set([...(commit.puts ?? []).map(({ key }) => key), ...(commit.deletes ?? [])].map(encodeKey));
    const touched = new Set([...(commit.checks ?? []).map(({ key }) => encodeKey(key)), ...written]);
    const appended = (commit.appends ?? []).map(({ stream }) => encodeKey(stream));
    if (written.has(this.#stream) || appended.includes(this.#stream))
      throw new StoreError('invalid', 'A commit that joins a log cannot write to the log by hand.');
    const settle = Promise.withResolvers<LogCommitResult>();
    this.#waiting.push({ commit, texts, touched, written, settle });
    void this.#run();
    return settle.promise;
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = takeGroup(this.#waiting);
      this.#waiting = this.#waiting.slice(group.length);
      await this.#write(group);
    }
    this.#running = false;
  }

  /** When a group cannot go through as one, each of its commits is tried alone: a conflict concerns only its own. */
  async #write(group: readonly Waiting[]): Promise<void> {
    try {
      const results = await this.#attempt(group);
      if (results.length === group.length)
        group.forEach(({ settle }, i) => settle.resolve(results[i] as LogCommitResult));
      else for (const one of group) await this.#write([one]);
    } catch (error) {
      this.#known = undefined;
      if (group.length > 1 && isInvalid(error)) for (const one of group) await this.#write([one]);
      else for (const { settle } of group) settle.reject(error);
    }
  }

  /** One result for each, or a single conflict for them all. */
  async #attempt(group: readonly Waiting[]): Promise<LogCommitResult[]> {
    for (let attempt = 0; attempt < attemptsMax; attempt++) {
      const known = (this.#known ??= await loadHead(this.store, this.name));
      const rows = extend(
        known.head,
        group.flatMap(({ texts }) => texts),
      );
      const head: Head = { ...(position(rows.at(-1)) ?? known.head), base: known.head.base };
      const result = await this.store.commit(this.#merge(group, rows, head, known.version));
      if (result.ok) {
        this.#known = { head, version: result.version };
        return split(group, rows, result);
      }
      if (encodeKey(result.conflict) !== this.#stream) return [result];
      this.#known = undefined;
    }
    throw new StoreError('store_unavailable', 'Other replicas were quicker to write to the log each time.');
  }

  /** The callers' checks come last, so that a conflict of theirs is told only on the true end of the chain. */
  #merge(group: readonly Waiting[], rows: readonly Row[], head: Head, version: string | null): Commit {
    const commits = group.map(({ commit }) => commit);
    return {
      checks: [{ key: this.name, version }, ...commits.flatMap(({ checks = [] }) => checks)],
      puts: [...commits.flatMap(({ puts = [] }) => puts), { key: this.name, value: head }],
      deletes: commits.flatMap(({ deletes = [] }) => deletes),
      appends: [
        ...commits.flatMap(({ appends = [] }) => appends),
        ...rows.map(({ hash, text }) => ({ stream: this.name, value: { hash, text } satisfies StoredRow })),
      ],
    };
  }
}

type Row = LogPosition & StoredRow;

function position(row: Row | undefined): LogPosition | undefined {
  return row && { seq: row.seq, hash: row.hash };
}

function extend(head: LogPosition, texts: readonly string[]): Row[] {
  let last: LogPosition = head;
  return texts.map((text) => {
    const row = { seq: last.seq + 1, hash: chain(last.hash, text), text };
    last = row;
    return row;
  });
}

/** From the front, as many as can be one commit: none looks at or changes what an earlier one changes. */
function takeGroup(waiting: readonly Waiting[]): readonly Waiting[] {
  const written = new Set<string>();
  const end = waiting.slice(0, groupMax).findIndex((next) => {
    if ([...next.touched].some((key) => written.has(key))) return true;
    for (const key of next.written) written.add(key);
    return false;
  });
  return waiting.slice(0, end === -1 ? groupMax : end);
}

/** Gives each commit of a group its own cursors and rows back. */
function split(
  group: readonly Waiting[],
  rows: readonly Row[],
  { version, cursors }: Extract<CommitResult, { ok: true }>,
): LogCommitResult[] {
  let [cursor, row] = [0, 0];
  return group.map(({ commit, texts }) => ({
    ok: true,
    version,
    cursors: cursors.slice(cursor, (cursor += commit.appends?.length ?? 0)),
    rows: rows.slice(row, (row += texts.length)).map(({ seq, hash }) => ({ seq, hash })),
  }));
}

function isInvalid(error: unknown): boolean {
  return error instanceof StoreError && error.code === 'invalid';
}
