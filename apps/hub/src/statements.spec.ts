// Key statements that run out, under a clock of the test: real keys, real alarms.
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { watchStatements } from '#api';
import { Alarms, Identity } from '#federation';
import { openSqliteStore, type Store } from '#store';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
let folder: string;
let store: Store;
let nowMs: number;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'writ-statements-'));
  store = await openSqliteStore({ path: ':memory:' });
  nowMs = Date.parse('2026-05-01T00:00:00Z');
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

test('a statement that runs out is an alarm two days before, another one when it has, and none when a new one is there', async () => {
  const now = () => nowMs;
  const identity = Identity.open(join(folder, 'keys'), now);
  const alarms = new Alarms(store, now);
  const kinds = async (endsAtMs = Infinity) => {
    const peers = [{ connection: 'con', name: 'near', endsAtMs }];
    const warned = await watchStatements(alarms, { own: identity.shown(), peers }, nowMs);
    const raised = (await alarms.list()).map(({ kind, connection, count }) => [kind, connection, count]);
    expect(warned).toHaveLength(raised.length);
    return raised;
  };
  identity.parkRoot();
  expect(await kinds()).toEqual([]);
  nowMs += 5 * dayMs + hourMs;
  expect(await kinds()).toEqual([['keys_ending', undefined, 1]]);
  expect(await kinds()).toEqual([['keys_ending', undefined, 2]]);
  nowMs += 2 * dayMs;
  expect(await kinds()).toEqual([['keys_ended', undefined, 1]]);
  rmSync(join(folder, 'keys'), { recursive: true });
  const renewed = Identity.open(join(folder, 'keys'), now);
  const peers = (endsAtMs: number) => [{ connection: 'con', name: 'near', endsAtMs }];
  const watch = (endsAtMs: number) => watchStatements(alarms, { own: renewed.shown(), peers: peers(endsAtMs) }, nowMs);
  expect((await watch(nowMs + hourMs))[0]?.detail).toContain('near runs out at 2026-05-08T02:00:00.000Z');
  expect((await alarms.list()).map(({ kind, connection }) => [kind, connection])).toEqual([['keys_ending', 'con']]);
  await watch(nowMs - hourMs);
  expect((await alarms.list()).map(({ kind, connection }) => [kind, connection])).toEqual([['keys_ended', 'con']]);
  expect(await watch(nowMs + 7 * dayMs)).toEqual([]);
  expect(await alarms.list()).toEqual([]);
});
