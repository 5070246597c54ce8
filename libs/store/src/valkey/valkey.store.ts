// The shared Store: a Valkey or Redis (7 or later) server that several replicas use at once.
import { decodeKey, encodeKey } from '../key.js';
import {
  type CompiledCommit,
  compileCommit,
  compileList,
  type CompiledList,
  compileRead,
  cursorOf,
} from '../request.js';
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
import { Connection } from './connection.js';
import { type ServerKeys, serverKeys } from './keys.js';
import { type ValkeyFormats, valkeyFormats } from './scripts.js';
import { durabilityOf } from './server.js';
import { Tail } from './tail.js';

/** How many entries a trim removes at once. */
const trimPage = 10_000;

/**
 * `url` is `redis://` or `rediss://`. `prefix` keeps stores on one server apart: 1 to 64 letters, digits, `_-.:`.
 * `timeoutMs` bounds every answer of the server and every wait for it, 5,000 by default.
 */
export interface ValkeyOptions {
  readonly url: string;
  readonly prefix: string;
  readonly timeoutMs?: number;
}

/** @throws StoreError `store_unavailable` when the server does not answer in time, `store_format` when the store is newer; nothing was changed. */
export async function openValkeyStore(options: ValkeyOptions): Promise<Store> {
  return openValkey(options, valkeyFormats);
}

/** As `openValkeyStore`, with the formats that this process shall know. */
export async function openValkey(options: ValkeyOptions, formats: ValkeyFormats): Promise<Store> {
  const store = new ValkeyStore(options, formats);
  try {
    await store.open();
    return store;
  } catch (error) {
    await store.close();
    throw error;
  }
}

class ValkeyStore extends Store {
  readonly #keys: ServerKeys;
  readonly #connection: Connection;
  readonly #wakeups = new Wakeups();
  readonly #tail: Tail;

  constructor({ url, prefix, timeoutMs = 5_000 }: ValkeyOptions, formats: ValkeyFormats) {
    super();
    this.#keys = serverKeys(prefix);
    this.#connection = new Connection(url, this.#keys, formats, timeoutMs, () => this.#wakeups.wakeAll());
    this.#tail = new Tail(this.#connection, this.#keys.appended, this.#wakeups);
  }

  async open(): Promise<void> {
    await this.#connection.open();
  }

  get incarnation(): string {
    return this.#connection.incarnation;
  }

  async now(): Promise<number> {
    const [seconds, microseconds] = await this.#connection.send((client) => client.time());
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  }

  async get<T>(key: Key): Promise<Entry<T> | null> {
    const record = this.#keys.record(encodeKey(key));
    const found = await this.#connection.send((client) => client.get(record));
    return found === null ? null : entryOf<T>(key, found);
  }

  /** Goes on past expired records until the page is full. */
  async list<T>(prefix: Key, options?: ListOptions): Promise<readonly Entry<T>[]> {
    const page = compileList(prefix, options);
    const entries: Entry<T>[] = [];
    for (let after = page.after; ;) {
      const wanted = page.limit - entries.length;
      const found = await this.#stretch({ ...page, after, limit: wanted });
      for (const { key, record } of found) if (record !== null) entries.push(entryOf<T>(decodeKey(key), record));
      after = found.at(-1)?.key ?? null;
      if (found.length < wanted || entries.length >= page.limit) return entries;
    }
  }

  async commit(commit: Commit): Promise<CommitResult> {
    const compiled = compileCommit(commit);
    const request = this.#request(compiled);
    const [ok, first = '', ...cursors] = await this.#connection.send((client) => client.writCommit(...request));
    if (ok === 1) return { ok: true, version: String(first), cursors: cursors.map(Number) };
    return { ok: false, conflict: compiled.checks[Number(first) - 1]?.source ?? [''] };
  }

  async read<T>(stream: Key, options: ReadOptions): Promise<readonly StreamRecord<T>[]> {
    const { stream: encoded, after, limit } = compileRead(stream, options);
    return this.#entries<T>(encoded, after, limit);
  }

  async head(stream: Key): Promise<number> {
    const encoded = encodeKey(stream);
    return Number(await this.#connection.send((client) => client.hget(this.#keys.heads, encoded)));
  }

  async *watch<T>(stream: Key, after: number, signal: AbortSignal): AsyncIterable<StreamRecord<T>> {
    const encoded = encodeKey(stream);
    const read = (cursor: number, limit: number) => this.#entries<T>(encoded, cursor, limit);
    yield* this.#tail.follow(encoded, cursorOf(after), signal, read);
  }

  /** In steps, so that a long stream does not hold the server up. */
  async trim(stream: Key, through: number): Promise<void> {
    const encoded = encodeKey(stream);
    const name = this.#keys.stream(encoded);
    for (let end = cursorOf(through); ;) {
      const [first] = await this.#entries(encoded, 0, 1);
      if (!first || first.cursor > end) return;
      const next = Math.min(end, first.cursor + trimPage - 1) + 1;
      await this.#connection.send((client) => client.xtrim(name, 'MINID', `${next}-0`));
    }
  }

  override async durability(): Promise<Durability> {
    return this.#connection.send((client) => durabilityOf(client));
  }

  async close(): Promise<void> {
    this.#tail.close();
    await this.#connection.close();
    this.#wakeups.wakeAll();
  }

  #request({ checks, puts, deletes, appends }: CompiledCommit): [number, ...(string | number)[]] {
    const { meta, index, expiry, heads, appended, record, stream } = this.#keys;
    const keys = [
      ...[meta, index, expiry, heads],
      ...checks.map(({ key }) => record(key)),
      ...puts.map(({ key }) => record(key)),
      ...deletes.map(record),
      ...appends.map((append) => stream(append.stream)),
    ];
    return [
      keys.length,
      ...keys,
      ...[this.incarnation, appended, Buffer.byteLength(record('')), Buffer.byteLength(stream(''))],
      ...[checks.length, puts.length, deletes.length, appends.length],
      ...checks.map(({ version }) => version ?? ''),
      ...puts.flatMap(({ ttlMs, json }) => [ttlMs ?? '', json]),
      ...appends.map(({ json }) => json),
    ];
  }

  async #stretch({ prefix, after, limit, reverse }: CompiledList): Promise<{ key: string; record: string | null }[]> {
    const end = Buffer.concat([Buffer.from(`(${prefix}`), Buffer.of(0xff)]);
    const [low, high] = reverse ? [`(${prefix}`, after === null ? end : `(${after}`] : [`(${after ?? prefix}`, end];
    const flat = await this.#connection.send((client) =>
      client.writList(1, this.#keys.index, this.#keys.record(''), low, high, limit, reverse ? '1' : '0'),
    );
    return flat.flatMap((key, i) => (i % 2 || key === null ? [] : [{ key, record: flat[i + 1] ?? null }]));
  }

  async #entries<T>(stream: string, after: number, limit: number): Promise<StreamRecord<T>[]> {
    const name = this.#keys.stream(stream);
    const rows = await this.#connection.send((client) => client.xrange(name, `(${after}-0`, '+', 'COUNT', limit));
    return rows.map(([id, [, json = 'null']]) => ({ cursor: Number.parseInt(id, 10), value: JSON.parse(json) as T }));
  }
}

function entryOf<T>(key: Key, record: string): Entry<T> {
  const versionAt = record.indexOf(':') + 1;
  const valueAt = record.indexOf(':', versionAt) + 1;
  return { key, value: JSON.parse(record.slice(valueAt)) as T, version: record.slice(versionAt, valueAt - 1) };
}
