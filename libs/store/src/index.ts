// Ground: everything durable, behind one port.
export { Store } from './store.js';
export type {
  Append,
  Check,
  Commit,
  CommitResult,
  Entry,
  Key,
  ListOptions,
  Put,
  ReadOptions,
  StreamRecord,
} from './store.js';
export { StoreError } from './error.js';
export type { StoreErrorCode } from './error.js';
export { openSqliteStore } from './sqlite/sqlite.store.js';
export type { SqliteOptions } from './sqlite/sqlite.store.js';
