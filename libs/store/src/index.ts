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
