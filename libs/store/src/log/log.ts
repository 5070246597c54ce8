// A hash-chained, append-only log over `commit`: whoever changes, drops, adds or reorders a row is found by `verify`.
import { StoreError } from '../error.js';
import type { Commit, Key, Store } from '../store.js';
import { chain, type KnownHead, loadHead, type LogPosition, type StoredRow } from './chain.js';
import { type LogCommitResult, LogWriter } from './writer.js';

const verifyPage = 500;

/** `text` is the entry's JSON exactly as hashed: hash = SHA-256(hash of the row before ‖ SHA-256(text)). */
export interface LogRow<T> extends LogPosition {
  readonly text: string;
  readonly entry: T;
}

/** `rows` counts what was gone through; `seq` is the first bad row. */
export type LogVerdict =
  | { readonly ok: true; readonly rows: number; readonly head: LogPosition }
  | { readonly ok: false; readonly seq: number; readonly reason: string };

/** `name` is the key of its head record and of its stream. Several replicas may append to one log. */
export class ChainedLog<T = unknown> {
  readonly #writer: LogWriter;

  constructor(
    private readonly store: Store,
    private readonly name: Key,
  ) {
    this.#writer = new LogWriter(store, name);
  }

  /** Durable when the promise resolves. @throws StoreError as `Store.commit`. */
  async append(entry: T): Promise<LogPosition> {
    const result = await this.commit({}, [entry]);
    const row = result.ok ? result.rows[0] : undefined;
    if (!row) throw new StoreError('store_unavailable', 'The log could not be written.');
    return row;
  }

  /** Appends the entries in the same commit as everything else: all or nothing. */
  async commit(commit: Commit, entries: readonly T[]): Promise<LogCommitResult> {
    return this.#writer.commit(commit, entries.map(toText));
  }

  /** Rows after the position `after`; `limit` is 1,000 by default and at most. */
  async read(after: number, limit?: number): Promise<readonly LogRow<T>[]> {
    const records = await this.store.read<StoredRow>(this.name, { after, limit });
    return records.map(({ cursor, value: { hash, text } }) => ({
      seq: cursor,
      hash,
      text,
      entry: JSON.parse(text) as T,
    }));
  }

  /** The last row; row 0 of an empty log has the hash that its first row builds on. */
  async head(): Promise<LogPosition> {
    const { seq, hash } = (await loadHead(this.store, this.name)).head;
    return { seq, hash };
  }

  /** The last row that was trimmed; row 0 before that. */
  async base(): Promise<LogPosition> {
    return (await loadHead(this.store, this.name)).head.base;
  }

  /** Goes through the whole log from what `trim` left. Rows appended meanwhile are left for the next time. */
  async verify(): Promise<LogVerdict> {
    const known = await loadHead(this.store, this.name);
    const { base, ...head } = known.head;
    let last = base;
    while (last.seq < head.seq) {
      const page = await this.store.read<StoredRow>(this.name, { after: last.seq, limit: verifyPage });
      if (page.length === 0) return missing(last.seq + 1);
      for (const { cursor, value } of page.slice(0, head.seq - last.seq)) {
        if (cursor !== last.seq + 1) return missing(last.seq + 1);
        if (chain(last.hash, value.text) !== value.hash) return broken(cursor);
        last = { seq: cursor, hash: value.hash };
      }
    }
    if (last.hash !== head.hash) return broken(last.seq);
    return (await this.#hasStrangers(known)) ? stranger(head.seq + 1) : { ok: true, rows: head.seq - base.seq, head };
  }

  /** Forgets rows up to and including `seq`, keeping the hash that the next one builds on. Unknown rows change nothing. */
  async trim(seq: number): Promise<void> {
    const { head, version } = await loadHead(this.store, this.name);
    if (seq <= head.base.seq || seq > head.seq) return;
    const [row] = await this.store.read<StoredRow>(this.name, { after: seq - 1, limit: 1 });
    if (row?.cursor !== seq) return;
    const base = { seq, hash: row.value.hash };
    const result = await this.store.commit({
      checks: [{ key: this.name, version }],
      puts: [{ key: this.name, value: { ...head, base } }],
    });
    await (result.ok ? this.store.trim(this.name, seq) : this.trim(seq));
  }

  /** Rows that the head does not know, unless somebody is appending just now. */
  async #hasStrangers({ head, version }: KnownHead): Promise<boolean> {
    const end = await this.store.head(this.name);
    const now = await loadHead(this.store, this.name);
    return now.version === version && end !== head.seq;
  }
}

function toText(entry: unknown): string {
  const text = JSON.stringify(entry) as string | undefined;
  if (text === undefined) throw new StoreError('invalid', 'An entry has to be JSON.');
  return text;
}

function missing(seq: number): LogVerdict {
  return { ok: false, seq, reason: 'The row is missing.' };
}

function broken(seq: number): LogVerdict {
  return { ok: false, seq, reason: 'The row does not follow from the one before it.' };
}

function stranger(seq: number): LogVerdict {
  return { ok: false, seq, reason: 'The row is there but was never recorded in the head.' };
}
