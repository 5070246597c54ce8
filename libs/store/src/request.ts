// What a caller hands to the port, checked once and made ready for either adapter before anything is queued or sent.
import { StoreError } from './error.js';
import { encodeKey } from './key.js';
import type { Commit, Key, ListOptions, ReadOptions } from './store.js';

const valueBytesMax = 4 * 1024 * 1024;
const commitBytesMax = 16 * 1024 * 1024;
const commitOperationsMax = 1_000;
const pageMax = 1_000;

/** A commit with encoded keys and values as JSON text. `bytes` counts the values. */
export interface CompiledCommit {
  readonly checks: readonly { readonly key: string; readonly version: string | null; readonly source: Key }[];
  readonly puts: readonly { readonly key: string; readonly json: string; readonly ttlMs: number | null }[];
  readonly deletes: readonly string[];
  readonly appends: readonly { readonly stream: string; readonly json: string }[];
  readonly bytes: number;
}

/** @throws StoreError `invalid` when a key, value, TTL or the size of the whole breaks a limit. */
export function compileCommit(commit: Commit): CompiledCommit {
  const { checks = [], puts = [], deletes = [], appends = [] } = commit;
  if (checks.length + puts.length + deletes.length + appends.length > commitOperationsMax)
    throw new StoreError('invalid', `A commit has at most ${commitOperationsMax} operations.`);
  const compiled = {
    checks: checks.map(({ key, version }) => ({ key: encodeKey(key), version, source: key })),
    puts: puts.map(({ key, value, ttlMs }) => ({ key: encodeKey(key), json: encodeValue(value), ttlMs: ttl(ttlMs) })),
    deletes: deletes.map(encodeKey),
    appends: appends.map(({ stream, value }) => ({ stream: encodeKey(stream), json: encodeValue(value) })),
  };
  return { ...compiled, bytes: sizeOf(compiled) };
}

/** A page of a listing: `after` is encoded, or null for the beginning. */
export interface CompiledList {
  readonly prefix: string;
  readonly after: string | null;
  readonly limit: number;
  readonly reverse: boolean;
}

/** @throws StoreError `invalid` when `after` is not below the prefix or the limit is out of range. */
export function compileList(prefix: Key, options: ListOptions = {}): CompiledList {
  const encoded = encodeKey(prefix);
  const after = options.after ? encodeKey(options.after) : null;
  if (after !== null && (after === encoded || !after.startsWith(encoded)))
    throw new StoreError('invalid', '`after` has to lie under the prefix.');
  return { prefix: encoded, after, limit: pageSize(options.limit), reverse: options.reverse ?? false };
}

/** @throws StoreError `invalid` for a cursor or a limit that is out of range. */
export function compileRead(stream: Key, options: ReadOptions): { stream: string; after: number; limit: number } {
  return { stream: encodeKey(stream), after: cursorOf(options.after), limit: pageSize(options.limit) };
}

/** @throws StoreError `invalid` unless it is a whole number from 0 on. */
export function cursorOf(cursor: number): number {
  if (!Number.isSafeInteger(cursor) || cursor < 0)
    throw new StoreError('invalid', 'A cursor is a whole number from 0 on.');
  return cursor;
}

function pageSize(limit = pageMax): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > pageMax)
    throw new StoreError('invalid', `A limit is a whole number from 1 to ${pageMax}.`);
  return limit;
}

function ttl(ttlMs?: number): number | null {
  if (ttlMs === undefined) return null;
  if (!Number.isSafeInteger(ttlMs) || ttlMs < 1 || ttlMs > 100 * 365 * 86_400_000)
    throw new StoreError('invalid', 'A TTL is a whole number of milliseconds, at least 1 and under a hundred years.');
  return ttlMs;
}

function encodeValue(value: unknown): string {
  const json = toJson(value);
  if (json === undefined) throw new StoreError('invalid', 'A value has to be JSON.');
  if (json.length > valueBytesMax || Buffer.byteLength(json) > valueBytesMax)
    throw new StoreError('invalid', `A value has at most ${valueBytesMax} bytes of JSON.`);
  return json;
}

/** `JSON.stringify` answers undefined for undefined, functions and symbols, whatever its type says. */
function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    throw new StoreError('invalid', 'A value has to be JSON.', error);
  }
}

function sizeOf({ puts, appends }: Pick<CompiledCommit, 'puts' | 'appends'>): number {
  const bytes = [...puts, ...appends].reduce((sum, { json }) => sum + json.length, 0);
  if (bytes > commitBytesMax)
    throw new StoreError('invalid', `The values of a commit have at most ${commitBytesMax} bytes.`);
  return bytes;
}
