import { expect, test } from '@jest/globals';
import { ChainedLog, openSqliteStore } from '#store';
import { Acts } from './acts.js';

test('[K-6] administrative acts are kept in order with who, why and when, and a changed row is found', async () => {
  const store = await openSqliteStore({ path: ':memory:' });
  const log = new ChainedLog(store, ['acts']);
  const acts = new Acts(log, () => Date.parse('2026-01-01T00:00:00.000Z'));
  const actor = { kind: 'key', id: 'admin' } as const;
  await acts.record({ act: 'kill.all', subject: 'all', actor, detail: { reason: 'fire' } });
  await acts.record({ act: 'kill.reset', subject: 'all', actor, detail: {} });
  const rows = await log.read(0);
  expect(rows.map(({ entry }) => entry)).toMatchObject([
    { act: 'kill.all', subject: 'all', actor, detail: { reason: 'fire' }, at: '2026-01-01T00:00:00.000Z' },
    { act: 'kill.reset' },
  ]);
  expect(await log.verify()).toMatchObject({ ok: true, rows: 2 });
  await store.close();
});
