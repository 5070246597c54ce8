// Group commit and the sweep, seen from outside.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Key, Store } from '../store.js';
import { openSqliteStore } from './sqlite.store.js';

describe('writing to SQLite', () => {
  let folder: string;
  let path: string;
  let time: number;
  let store: Store;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-writer-'));
    path = join(folder, 'store.db');
    time = 1_700_000_000_000;
    store = await openSqliteStore({ path, clock: () => time });
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  const count = () => {
    const db = new DatabaseSync(path);
    const row = db.prepare('SELECT count(*) AS n FROM records').get();
    db.close();
    return row?.['n'];
  };

  test('three thousand commits of one tick all go through, each with its own version, in their order', async () => {
    const results = await Promise.all(
      Array.from({ length: 3_000 }, (_, i) => store.commit({ appends: [{ stream: ['s'], value: i }] })),
    );
    expect(new Set(results.map((result) => (result.ok ? result.version : ''))).size).toBe(3_000);
    expect(results.map((result) => (result.ok ? result.cursors[0] : 0))).toEqual(results.map((_, i) => i + 1));
  });

  test('a later commit of a tick sees what an earlier one wrote', async () => {
    const create = { checks: [{ key: ['k'] as Key, version: null }], puts: [{ key: ['k'] as Key, value: 1 }] };
    const [first, second] = await Promise.all([store.commit(create), store.commit(create)]);
    expect(first.ok).toBe(true);
    expect(second).toEqual({ ok: false, conflict: ['k'] });
  });

  test('more commits than may wait are refused, and those that wait go through', async () => {
    const commits = Array.from({ length: 65_600 }, () => store.commit({ deletes: [['x']] }));
    const settled = await Promise.allSettled(commits);
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(65_536);
    expect(settled.at(-1)).toMatchObject({ reason: { code: 'store_unavailable' } });
  });

  test('[L-2] a lock that another process holds fails a commit in bounded time, and nothing of it is left', async () => {
    const other = new DatabaseSync(path);
    other.exec('BEGIN IMMEDIATE');
    const blocked = store.commit({ puts: [{ key: ['k'], value: 1 }] });
    await expect(blocked).rejects.toMatchObject({ code: 'store_unavailable' });
    other.close();
    expect(await store.get(['k'])).toBeNull();
    expect((await store.commit({ puts: [{ key: ['k'], value: 2 }] })).ok).toBe(true);
  });

  test('what has expired leaves the file, a bounded number with each commit', async () => {
    const puts = Array.from({ length: 600 }, (_, i) => ({ key: ['jti', `${i}`] as Key, value: true, ttlMs: 1_000 }));
    await store.commit({ puts });
    expect(count()).toBe(600);
    time += 5_000;
    await store.commit({});
    expect(count()).toBe(600 - 256);
    await store.commit({});
    await store.commit({});
    expect(count()).toBe(0);
  });

  test('[P-10] a clock that steps back neither revives what it swept nor stops the sweep', async () => {
    await store.commit({ puts: [{ key: ['k'], value: 1, ttlMs: 1_000 }] });
    time += 86_400_000;
    await store.commit({});
    time -= 80_000_000;
    expect(await store.get(['k'])).toBeNull();
    await store.commit({ puts: [{ key: ['k'], value: 1, ttlMs: 1_000 }] });
    time += 1_001;
    await store.commit({});
    expect(count()).toBe(0);
  });
});
