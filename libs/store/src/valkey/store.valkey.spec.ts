// The shared adapter against the contract of the port, on a real server.
import { afterAll, beforeAll } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { redisRequirement, type RedisServer, startRedis } from '../../../../test/support/redis.js';
import { requirement } from '../../../../test/support/require.js';
import type { Store } from '../store.js';
import { describeStoreContract, type Subject } from '../store.contract.js';
import { openValkeyStore } from './valkey.store.js';

const [name, present, howToGet] = redisRequirement;
let server: RedisServer | undefined;
let count = 0;

beforeAll(async () => {
  if (present) server = await startRedis({ synced: true });
});
afterAll(() => server?.dispose());

async function open(): Promise<Subject> {
  const prefix = `contract-${++count}`;
  const opened: Store[] = [];
  const second = async () => {
    const store = await openValkeyStore({ url: server?.url ?? '', prefix });
    opened.push(store);
    return store;
  };
  return {
    store: await second(),
    second,
    wait: (ms) => sleep(ms + 5),
    dispose: async () => {
      await Promise.all(opened.map((store) => store.close()));
    },
  };
}

describeStoreContract('Valkey', open, requirement(name, present, howToGet));
