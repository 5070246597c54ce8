// Ground: everything durable, behind one port.
export { Store } from './store.js';
export type {
  Append,
  Check,
  Commit,
  CommitResult,
  Durability,
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
export { writeBackup } from './backup.js';
export { openStore } from './open.js';
export type { StorePlace } from './open.js';
export { Leases } from './lease.js';
export type { Lease } from './lease.js';
export { ChainedLog } from './log/log.js';
export type { LogRow, LogVerdict } from './log/log.js';
export type { LogPosition } from './log/chain.js';
export type { LogCommitResult } from './log/writer.js';
export { Replicas } from './replicas/replicas.js';
export type { News, ReplicasOptions } from './replicas/replicas.js';
export { StreamTail } from './stream-tail.js';
export { endOfMany, watchMany } from './merge.js';
export type { MergedGap, MergedRecord, Readiness } from './merge.js';
