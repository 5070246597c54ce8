// Where things lie on the server. All keys of a store share one hash tag, so that a cluster keeps them in one slot and
// a script may touch them together.
import { StoreError } from '../error.js';

/** A record is the string `<format>:<version>:<JSON>`; a stream is a Redis stream whose ids are `<cursor>-0`. */
export interface ServerKeys {
  /** Hash: format, incarnation, the server's run id, and the counter that versions come from. */
  readonly meta: string;
  /** Sorted set of all record keys, in byte order: what lists go through. */
  readonly index: string;
  /** Sorted set of record keys by the millisecond at which they expire: what the sweep goes through. */
  readonly expiry: string;
  /** Hash: the last cursor of every stream. */
  readonly heads: string;
  /** Channel that names each stream that was appended to. */
  readonly appended: string;
  readonly record: (key: string) => string;
  readonly stream: (key: string) => string;
}

/** @throws StoreError `invalid` for a prefix that is not 1 to 64 letters, digits, `_`, `-`, `.`, `:`. */
export function serverKeys(prefix: string): ServerKeys {
  if (!/^[\w.:-]{1,64}$/.test(prefix))
    throw new StoreError('invalid', 'A prefix is 1 to 64 letters, digits, `_`, `-`, `.` or `:`.');
  const tag = `{${prefix}}`;
  return {
    meta: `${tag}:meta`,
    index: `${tag}:index`,
    expiry: `${tag}:expiry`,
    heads: `${tag}:heads`,
    appended: `${tag}:appended`,
    record: (key) => `${tag}:r:${key}`,
    stream: (key) => `${tag}:s:${key}`,
  };
}
