// The embedded adapter against the contract of the port.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Store } from '../store.js';
import { describeStoreContract, type Subject } from '../store.contract.js';
import { openSqliteStore } from './sqlite.store.js';

async function open(): Promise<Subject> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-store-'));
  let time = 1_700_000_000_000;
  const opened: Store[] = [];
  const second = async () => {
    const store = await openSqliteStore({ path: join(folder, 'store.db'), clock: () => time });
    opened.push(store);
    return store;
  };
  return {
    store: await second(),
    second,
    wait: (ms) => Promise.resolve(void (time += ms)),
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()));
      await rm(folder, { recursive: true });
    },
  };
}

describeStoreContract('SQLite', open);
