// What calls for a person, over real keys, alarms and latches.
import { expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Alarms, Identity } from '#federation';
import { ChainedLog, openSqliteStore } from '#store';
import { TinyGateway } from '../../../../test/support/tiny-gateway.js';
import { Acts } from '../acts.js';
import { createLogger } from '../requests/logging.js';
import { Trust } from '../trust.js';
import { Metrics } from './metrics.js';
import { measureStanding } from './standing.js';

test('alarms are counted by kind until they are cleared, and a statement says how long it holds, also when it has ended', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'writ-standing-'));
  const store = await openSqliteStore({ path: ':memory:' });
  const [keys, alarms, metrics, acts] = [
    Identity.open(join(folder, 'keys')),
    new Alarms(store),
    new Metrics(),
    new Acts(new ChainedLog(store, ['acts'])),
  ];
  const nowMs = Date.now();
  const peers = {
    ...{
      changed: () => undefined,
      learn: () => Promise.reject(new Error()),
      openLog: () => Promise.reject(new Error()),
    },
    checks: () => [],
    statements: () => [
      { name: 'north', connection: 'a', endsAtMs: nowMs - 60_000 },
      { name: 'never met', connection: 'b', endsAtMs: 0 },
    ],
  };
  const trust = new Trust({ keys, acts, alarms, peers, log: createLogger('silent') });
  measureStanding(metrics, { role: 'hub', gateway: new TinyGateway(), trust }, () => nowMs);
  for (const subject of ['one', 'two'])
    await alarms.raise({ kind: 'replay', connection: 'a', detail: 'A message came twice.', subject });
  const text = await metrics.text();
  expect(text).toContain('writ_alarms_open{kind="replay"} 2\n');
  expect(text).toContain('writ_peer_key_statement_left_seconds{peer="north",connection="a"} -60\n');
  expect(text).not.toContain('never met');
  const [, left] = /^writ_key_statement_left_seconds (\S+)$/m.exec(text) ?? [];
  expect(Number(left)).toBeGreaterThan(6.9 * 86_400);
  expect(text).toMatch(/^writ_instance_info\{role="hub",version="[^"]+"\} 1$/m);
  for (const { id } of await alarms.list()) await alarms.clear(id);
  expect(await metrics.text()).not.toMatch(/^writ_alarms_open\{/m);
  await store.close();
  rmSync(folder, { recursive: true });
});
