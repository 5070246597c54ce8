// The Store port: the one place where anything durable lives. Shaped after Deno KV: versioned records, one atomic
// commit, streams with a gapless cursor. No type of a datastore appears here.

import { StoreError } from './error.js';

/** A key is a path of parts, never a joined string: `['a', 'b:c']` and `['a:b', 'c']` are two keys. 1 to 8 parts, 512 bytes in all. */
export type Key = readonly [string, ...string[]];

/** A record as read. `version` is opaque and changes with every write of that key. */
export interface Entry<T = unknown> {
  readonly key: Key;
  readonly value: T;
  readonly version: string;
}

/** The commit goes through only if the key still has this version; `null` means it must not exist. */
export interface Check {
  readonly key: Key;
  readonly version: string | null;
}

/** Values are JSON. `ttlMs` counts on the store's clock; an expired record reads as absent. */
export interface Put {
  readonly key: Key;
  readonly value: unknown;
  readonly ttlMs?: number;
}

/** Adds one JSON value at the end of a stream. */
export interface Append {
  readonly stream: Key;
  readonly value: unknown;
}

/** All or nothing, in this order: checks, puts, deletes, appends. Durable when the promise resolves. */
export interface Commit {
  readonly checks?: readonly Check[];
  readonly puts?: readonly Put[];
  readonly deletes?: readonly Key[];
  readonly appends?: readonly Append[];
}

/** `cursors[i]` is the cursor that `appends[i]` got. On conflict nothing was written; `conflict` is the first key whose check failed. */
export type CommitResult =
  | { readonly ok: true; readonly version: string; readonly cursors: readonly number[] }
  | { readonly ok: false; readonly conflict: Key };

/** One entry of a stream. Cursors of a stream are 1, 2, 3, … without gaps; `trim` never renumbers. */
export interface StreamRecord<T = unknown> {
  readonly cursor: number;
  readonly value: T;
}

/** `after` is exclusive and has to lie under the prefix. `limit` is 1,000 by default and at most. */
export interface ListOptions {
  readonly after?: Key;
  readonly limit?: number;
  readonly reverse?: boolean;
}

/** `after` is exclusive: 0 reads from the beginning. `limit` is 1,000 by default and at most. */
export interface ReadOptions {
  readonly after: number;
  readonly limit?: number;
}

/** `reason` says what would have to change, in a sentence for the operator. */
export type Durability = { readonly synced: true } | { readonly synced: false; readonly reason: string };

export abstract class Store {
  /** Names this life of the data: a new one after a wipe, a restore, or a start on a volatile store that may have forgotten. */
  abstract readonly incarnation: string;

  /** The store's own clock, epoch milliseconds; TTLs, replay memory and leases count on it. */
  abstract now(): Promise<number>;

  abstract get<T>(key: Key): Promise<Entry<T> | null>;

  /** Records below a prefix in key order (each part compared by UTF-8 bytes), the prefix itself left out. */
  abstract list<T>(prefix: Key, options?: ListOptions): Promise<readonly Entry<T>[]>;

  abstract commit(commit: Commit): Promise<CommitResult>;

  abstract read<T>(stream: Key, options: ReadOptions): Promise<readonly StreamRecord<T>[]>;

  /** The cursor of the last entry ever appended; 0 for a stream that never had one. */
  abstract head(stream: Key): Promise<number>;

  /**
   * Everything after the cursor, then what is appended later, until the signal aborts (which ends the iteration without
   * an error). It outlasts an outage of the server; when the store closes or starts a new incarnation it throws
   * `store_unavailable`.
   */
  abstract watch<T>(stream: Key, after: number, signal: AbortSignal): AsyncIterable<StreamRecord<T>>;

  /** Forgets entries up to and including the cursor. */
  abstract trim(stream: Key, through: number): Promise<void>;

  /**
   * Whether what a commit acknowledged survives a loss of power here, as far as the store can see its server's settings.
   * A store that does not say counts as one that forgets.
   */
  durability(): Promise<Durability> {
    return Promise.resolve({ synced: false, reason: 'The store does not say whether it syncs what it acknowledges.' });
  }

  /**
   * Writes all of it, as it is at one moment, into an empty file of SQLite's format; commits go on meanwhile.
   * @throws StoreError `invalid` where the server that keeps the store has a backup of its own.
   */
  snapshot(path: string): Promise<void> {
    const detail = `${path} was not written: this store is kept by a server. Back that up with its own means, and copy keys/ beside it.`;
    return Promise.reject(new StoreError('invalid', detail));
  }

  abstract close(): Promise<void>;
}
