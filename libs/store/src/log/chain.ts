// The chain of a log: how a row's hash is made, and the record that says where the chain stands.
import { createHash } from 'node:crypto';
import { encodeKey } from '../key.js';
import type { Key, Store } from '../store.js';

/** Where a row stands: rows count 1, 2, 3, …; `hash` is base64url SHA-256 and covers every row before it. */
export interface LogPosition {
  readonly seq: number;
  readonly hash: string;
}

/** Kept under the log's name. `base` is the last row that was trimmed, row 0 before that. */
export interface Head extends LogPosition {
  readonly base: LogPosition;
}

/** The head with the version to check it by; `version` is null while the log is empty. */
export interface KnownHead {
  readonly head: Head;
  readonly version: string | null;
}

/** A row in the stream, its sequence number being the stream's cursor. */
export interface StoredRow {
  readonly hash: string;
  readonly text: string;
}

/** SHA-256(hash of the row before ‖ SHA-256(text)), the recipe of the protocol's event chain. */
export function chain(previous: string, text: string): string {
  const inner = createHash('sha256').update(text).digest();
  return createHash('sha256').update(Buffer.from(previous, 'base64url')).update(inner).digest('base64url');
}

/** An empty log starts from the hash of its name, so that rows of one log never fit another. */
export async function loadHead(store: Store, name: Key): Promise<KnownHead> {
  const found = await store.get<Head>(name);
  if (found) return { head: found.value, version: found.version };
  const origin = { seq: 0, hash: createHash('sha256').update(encodeKey(name)).digest('base64url') };
  return { head: { ...origin, base: origin }, version: null };
}
