// A record that is read again and again: parsed once for each version, the same for all who read it, never old.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openSqliteStore, type Store } from '../index.js';

const key = ['agent', 'a'] as const;

describe('records that are read again', () => {
  let folder: string;
  let now = 1_000;
  let store: Store;
  let other: Store;
  const open = () => openSqliteStore({ path: join(folder, 'store.sqlite'), clock: () => now });
  const put = (to: Store, value: unknown, ttlMs?: number) =>
    to.commit({ puts: [{ key, value, ...(ttlMs === undefined ? {} : { ttlMs }) }] });

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'writ-recent-'));
    [store, other] = [await open(), await open()];
  });

  afterEach(async () => {
    await Promise.all([store.close(), other.close()]);
    rmSync(folder, { recursive: true });
  });

  test('nobody who reads it can change what others read', async () => {
    await put(store, { state: 'running', usage: { turns: [1] } });
    const first = await store.get<{ state: string; usage: { turns: number[] } }>(key);
    expect(() => first?.value.usage.turns.push(2)).toThrow(TypeError);
    expect((await store.get(key))?.value).toEqual({ state: 'running', usage: { turns: [1] } });
  });

  test('what this process or another one writes is read at once', async () => {
    await put(store, { n: 1 });
    expect((await store.get(key))?.value).toEqual({ n: 1 });
    await put(store, { n: 2 });
    expect((await store.get(key))?.value).toEqual({ n: 2 });
    await put(other, { n: 3 });
    expect((await store.get(key))?.value).toEqual({ n: 3 });
  });

  test('what was deleted, by whomever, or ran out is gone', async () => {
    await put(store, { n: 1 });
    await store.get(key);
    await other.commit({ deletes: [key] });
    expect(await store.get(key)).toBeNull();
    await put(store, { n: 2 }, 500);
    expect((await store.get(key))?.value).toEqual({ n: 2 });
    now += 501;
    expect(await store.get(key)).toBeNull();
  });

  test('more records than are kept are all read right, and so are large ones', async () => {
    const keyOf = (n: number) => ['agent', `b${n}`] as const;
    const large = 'x'.repeat(100_000);
    const numbers = Array.from({ length: 1_500 }, (_, n) => n);
    const put = (n: number) => ({ key: keyOf(n), value: { n, ...(n === 7 ? { large } : {}) } });
    await Promise.all(numbers.map((n) => store.commit({ puts: [put(n)] })));
    for (const n of [...numbers, ...numbers]) expect((await store.get<{ n: number }>(keyOf(n)))?.value.n).toBe(n);
    expect((await store.get<{ large: string }>(keyOf(7)))?.value.large).toBe(large);
  });
});
