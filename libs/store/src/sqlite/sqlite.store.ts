// The embedded Store: one SQLite file, or memory. Several processes may open the same file.
import { randomUUID } from 'node:crypto';
import { backup, type DatabaseSync } from 'node:sqlite';
import { setImmediate } from 'node:timers/promises';
import { StoreError, unavailable } from '../error.js';
import { follow } from '../follow.js';
import { afterLast, decodeKey, encodeKey } from '../key.js';
import { compileCommit, compileList, compileRead, cursorOf } from '../request.js';
import {
  type Commit,
  type CommitResult,
  type Durability,
  type Entry,
  type Key,
  type ListOptions,
  type ReadOptions,
  Store,
  type StreamRecord,
} from '../store.js';
import { Wakeups } from '../wakeups.js';
import { identityOf, openDatabase } from './file.js';
import { type Formats, formats } from './format.js';
import { Neighbours } from './neighbours.js';
import { type EntryRow, prepareStatements, type RecordRow, type Statements } from './statements.js';
import { entryOf, Recent } from './recent.js';
import { Writer } from './writer.js';

/** How many entries a trim removes at once. */
const trimPage = 4_096;

/** `path` is a file, made with its folder if absent (modes 0600 and 0700), or `:memory:`. `clock` is epoch milliseconds. */
export interface SqliteOptions {
  readonly path: string;
  readonly clock?: () => number;
}

/** @throws StoreError `store_format` for a newer format, with nothing changed; `store_unavailable` when the file cannot be opened. */
export async function openSqliteStore(options: SqliteOptions): Promise<Store> {
  return openSqliteFile(options, formats);
}

/** As `openSqliteStore`, with the formats that this process shall know. */
export async function openSqliteFile({ path, clock = Date.now }: SqliteOptions, known: Formats): Promise<Store> {
  const db = openDatabase(path, known);
  try {
    const statements = prepareStatements(db);
    return await Promise.resolve(
      new SqliteStore(db, statements, known.current, clock, incarnationOf(path, statements)),
    );
  } catch (error) {
    db.close();
    throw unavailable(error, 'The store file cannot be read.');
  }
}

/** The stored incarnation if this is the file in which it was made, else a new one. */
function incarnationOf(path: string, statements: Statements): string {
  const identity = identityOf(path) ?? '';
  statements.begin.run();
  const stored = statements.meta.get('incarnation')?.['value'];
  if (typeof stored === 'string' && statements.meta.get('identity')?.['value'] === identity) {
    statements.commit.run();
    return stored;
  }
  const incarnation = randomUUID();
  statements.setMeta.run('incarnation', incarnation);
  statements.setMeta.run('identity', identity);
  statements.commit.run();
  return incarnation;
}

class SqliteStore extends Store {
  readonly #wakeups = new Wakeups();
  readonly #recent = new Recent();
  readonly #writer: Writer;
  readonly #neighbours: Neighbours;
  readonly #closing = new AbortController();

  constructor(
    private readonly db: DatabaseSync,
    private readonly statements: Statements,
    format: number,
    private readonly clock: () => number,
    readonly incarnation: string,
  ) {
    super();
    this.#neighbours = new Neighbours(statements, this.#wakeups);
    this.#writer = new Writer(statements, format, clock, (stream) => this.#wakeups.wake(stream));
  }

  async now(): Promise<number> {
    return Promise.resolve(this.clock());
  }

  async get<T>(key: Key): Promise<Entry<T> | null> {
    return (await this.#query(() => this.#look(key))) as Entry<T> | null;
  }

  async list<T>(prefix: Key, options?: ListOptions): Promise<readonly Entry<T>[]> {
    const page = compileList(prefix, options);
    const [start, after] = [Buffer.from(page.prefix), page.after === null ? null : Buffer.from(page.after)];
    const end = Buffer.concat([start, Buffer.of(afterLast)]);
    const [low, high] = page.reverse ? [start, after ?? end] : [after ?? start, end];
    const statement = page.reverse ? this.statements.listBack : this.statements.list;
    const rows = await this.#query(() => statement.all(low, high, this.clock(), page.limit));
    return (rows as unknown as RecordRow[]).map(({ key, value, version }) => ({
      key: decodeKey(Buffer.from(key).toString()),
      value: JSON.parse(value) as T,
      version: String(version),
    }));
  }

  async commit(commit: Commit): Promise<CommitResult> {
    this.#assertOpen();
    return this.#writer.commit(compileCommit(commit));
  }

  async read<T>(stream: Key, options: ReadOptions): Promise<readonly StreamRecord<T>[]> {
    const { stream: encoded, after, limit } = compileRead(stream, options);
    return this.#entries<T>(encoded, after, limit);
  }

  async head(stream: Key): Promise<number> {
    const encoded = Buffer.from(encodeKey(stream));
    const row = await this.#query(() => this.statements.head.get(encoded));
    return (row?.['head'] as number | undefined) ?? 0;
  }

  async *watch<T>(stream: Key, after: number, signal: AbortSignal): AsyncIterable<StreamRecord<T>> {
    const encoded = encodeKey(stream);
    yield* follow<T>({
      after: cursorOf(after),
      signal,
      closing: this.#closing.signal,
      subscription: this.#neighbours.subscribe(encoded),
      read: (cursor, limit) => this.#entries<T>(encoded, cursor, limit),
    });
  }

  async trim(stream: Key, through: number): Promise<void> {
    const encoded = Buffer.from(encodeKey(stream));
    cursorOf(through);
    for (;;) {
      const { changes } = await this.#query(() => this.statements.trim.run(encoded, through, trimPage));
      if (Number(changes) < trimPage) return;
      await setImmediate();
    }
  }

  override async durability(): Promise<Durability> {
    if (this.db.location() !== null) return Promise.resolve({ synced: true });
    return Promise.resolve({ synced: false, reason: 'The store is kept in memory; name a file.' });
  }

  override async snapshot(path: string): Promise<void> {
    this.#assertOpen();
    this.#writer.drain();
    await backup(this.db, path).catch((error: unknown) => {
      throw unavailable(error, 'The snapshot cannot be written.');
    });
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#writer.drain();
    this.#closing.abort();
    this.#neighbours.close();
    this.db.close();
    await Promise.resolve();
  }

  async #entries<T>(stream: string, after: number, limit: number): Promise<StreamRecord<T>[]> {
    const rows = await this.#query(() => this.statements.read.all(Buffer.from(stream), after, limit));
    return (rows as unknown as EntryRow[]).map(({ cursor, value }) => ({ cursor, value: JSON.parse(value) as T }));
  }

  /** A text that was parsed before is not even fetched. */
  #look(key: Key): Entry | null {
    const encoded = encodeKey(key);
    const row = this.statements.get.get(this.#recent.version(encoded), Buffer.from(encoded), this.clock());
    if (!row) return null;
    const { value, version } = row as { readonly value: string | null; readonly version: number };
    if (value === null) return this.#recent.entry(encoded);
    const entry = entryOf(key, value, version);
    this.#recent.take(encoded, entry, version, value.length);
    return entry;
  }

  async #query<R>(run: () => R): Promise<R> {
    this.#assertOpen();
    try {
      return await Promise.resolve(run());
    } catch (error) {
      throw unavailable(error, 'The store file cannot be read.');
    }
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new StoreError('store_unavailable', 'The store is closed.');
  }
}
