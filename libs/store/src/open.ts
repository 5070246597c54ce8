// One way to a store for whoever reads a configuration: shared when there is an address, else the embedded one.
import { openSqliteStore } from './sqlite/sqlite.store.js';
import type { Store } from './store.js';

/** `url` is `redis://` or `rediss://`, with `prefix` keeping stores on one server apart; without it `path` is the file. */
export interface StorePlace {
  readonly url?: string;
  readonly prefix: string;
  readonly path: string;
}

/** @throws StoreError `store_format`, `store_unavailable`; nothing was changed */
export async function openStore({ url, prefix, path }: StorePlace): Promise<Store> {
  if (url === undefined) return openSqliteStore({ path });
  // Its client is loaded by whoever has such a server.
  const { openValkeyStore } = await import('./valkey/valkey.store.js');
  return openValkeyStore({ url, prefix });
}
