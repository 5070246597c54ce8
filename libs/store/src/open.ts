// One way to a store for whoever reads a configuration: shared when there is an address, else the embedded one.
import { openSqliteStore } from './sqlite/sqlite.store.js';
import type { Store } from './store.js';
import { openValkeyStore } from './valkey/valkey.store.js';

/** `url` is `redis://` or `rediss://`, with `prefix` keeping stores on one server apart; without it `path` is the file. */
export interface StorePlace {
  readonly url?: string;
  readonly prefix: string;
  readonly path: string;
}

/** @throws StoreError `store_format`, `store_unavailable`; nothing was changed */
export function openStore({ url, prefix, path }: StorePlace): Promise<Store> {
  return url === undefined ? openSqliteStore({ path }) : openValkeyStore({ url, prefix });
}
