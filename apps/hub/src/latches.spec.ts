import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Acts } from '#api';
import { ChainedLog, openSqliteStore, type Store } from '#store';
import { Latches } from './latches.js';

const actor = { kind: 'key', id: 'admin' } as const;

describe('latches of the hub', () => {
  let store: Store;
  let log: ChainedLog;
  let latches: Latches;
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    log = new ChainedLog(store, ['acts']);
    latches = new Latches(store, new Acts(log));
  });
  afterEach(() => store.close());

  const set = (scope: string) => latches.set({ scope, reason: 'fire', actor });

  test('[K-3] all refuses spawns everywhere until reset', async () => {
    await set('all');
    await expect(latches.refuseSpawn('north')).rejects.toMatchObject({ code: 'latched' });
    await latches.clear({ scope: 'all', reason: 'out', actor });
    await expect(latches.refuseSpawn('north')).resolves.toBeUndefined();
  });

  test('one spoke’s latch leaves the others alone', async () => {
    await set('spoke:north');
    await expect(latches.refuseSpawn('north')).rejects.toMatchObject({ code: 'latched' });
    await expect(latches.refuseSpawn('south')).resolves.toBeUndefined();
  });

  test('survive a restart, with who and why', async () => {
    await set('all');
    const [latch] = await new Latches(store, new Acts(log)).list();
    expect(latch).toMatchObject({ scope: 'all', reason: 'fire', actor });
  });

  test('[K-6] who set and who cleared them is in the chained log', async () => {
    await set('all');
    await latches.clear({ scope: 'all', reason: 'out', actor });
    expect((await log.read(0)).map(({ entry }) => entry)).toMatchObject([
      { act: 'kill.all', actor, detail: { reason: 'fire' } },
      { act: 'kill.reset', actor, detail: { reason: 'out' } },
    ]);
  });
});
