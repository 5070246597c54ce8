// What a spoke's admin does to the spoke itself, with real processes and the real command line.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Act } from '#api';
import type { GcReport } from '#protocol';
import { ChainedLog, openSqliteStore } from '#store';
import { Federation, type Player } from '../support/federation.js';
import { writ } from '../support/writ.js';

let stage: Federation;
let spoke: Player;

beforeAll(async () => {
  stage = await Federation.open();
  spoke = await stage.spoke('alone', { gc: { graceMs: 0, everyMs: 86_400_000 } });
}, 60_000);
afterAll(() => stage.close(), 60_000);

/** As the admin on the same machine types it. */
const typed = (...args: string[]) => writ([...args, '--state', spoke.instance.options.stateDir]);

const acts = async (): Promise<Act[]> => {
  const store = await openSqliteStore({ path: join(spoke.instance.options.stateDir, 'store.sqlite') });
  const rows = await new ChainedLog<Act>(store, ['spoke', 'acts']).read(0);
  await store.close();
  return rows.map(({ entry }) => entry);
};

test('[W-1] what cannot be kept is told and left alone, and the command fails; the act is on record, a dry run is none', async () => {
  const stray = 'b8a5a0de-7c1f-4a53-9f0e-0d6a1f6f6c11';
  const worktrees = join(spoke.instance.options.stateDir, 'worktrees', 'agents');
  mkdirSync(join(worktrees, stray, 'tree'), { recursive: true });
  const planned = await typed('gc', '--dry-run');
  expect(planned).toMatchObject({ code: 1, err: '' });
  expect(planned.out).toContain(stray);
  expect(await acts()).toEqual([]);
  const done = await typed('gc', '-o', 'json');
  expect(done.code).toBe(1);
  const report = JSON.parse(done.out) as GcReport;
  expect(report).toMatchObject({ storeKnown: true, dryRun: false });
  expect(report.items).toMatchObject([{ kind: 'worktree', id: stray, outcome: 'skipped' }]);
  expect(readdirSync(worktrees)).toEqual([stray]);
  expect(await acts()).toMatchObject([{ act: 'gc', actor: { kind: 'key' }, detail: { dryRun: false } }]);
});

test('only an admin may collect', async () => {
  const { key } = await spoke.client.keys.create({ name: 'operator', role: 'operator' });
  const refused = await writ(['gc', '--url', spoke.instance.url, '--key', key, '--on', 'spoke']);
  expect(refused.code).toBe(3);
  expect(refused.err).toContain('role admin');
});
