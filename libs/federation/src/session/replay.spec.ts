import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newNonce } from '#protocol';
import { openSqliteStore } from '#store';
import type { Store } from '#store';
import { ReplayMemory } from './replay.js';
import type { Remembered } from './replay.js';

const [con, h] = [newNonce(), 'h'.repeat(43)];
const effect: Remembered = { h, kind: 'effect' };
const query: Remembered = { h, kind: 'query' };

describe('the replay memory', () => {
  let folder: string;
  let store: Store;
  let now: number;
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'writ-replay-'));
    now = Date.now();
    store = await opened();
  });
  afterEach(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });

  const opened = (): Promise<Store> => openSqliteStore({ path: join(folder, 'store.db'), clock: () => now });
  const memory = (fence = (): void => undefined): ReplayMemory => new ReplayMemory(store, () => now, fence);
  const record = (replays: ReplayMemory, jti: string, connection = con) =>
    replays.record(connection, jti, effect, 60, (commit) => store.commit(commit));

  test('takes a message once for as long as a copy of it could be valid, and the skew on both sides', async () => {
    const [replays, jti] = [memory(), newNonce()];
    expect(await record(replays, jti)).toEqual({ is: 'new' });
    now += 119_000;
    expect(await record(replays, jti)).toEqual({ is: 'seen', before: effect });
    now += 2_000;
    expect(await record(replays, jti)).toEqual({ is: 'new' });
  });

  test('of many copies at once takes exactly one', async () => {
    const [replays, jti] = [memory(), newNonce()];
    const verdicts = await Promise.all(Array.from({ length: 50 }, () => record(replays, jti)));
    expect(verdicts.filter(({ is }) => is === 'new')).toHaveLength(1);
  });

  test('[F-1] never mixes connections', async () => {
    const [replays, jti] = [memory(), newNonce()];
    await record(replays, jti);
    expect(await record(replays, jti, newNonce())).toEqual({ is: 'new' });
  });

  test('remembers effects across a restart', async () => {
    const jti = newNonce();
    await record(memory(), jti);
    await store.close();
    store = await opened();
    expect(await record(memory(), jti)).toEqual({ is: 'seen', before: effect });
  });

  test('remembers queries in this process, without a write', async () => {
    const [replays, jti] = [memory(), newNonce()];
    expect(replays.recordQueries(con, jti, h, 60)).toEqual({ is: 'new' });
    expect(replays.recordQueries(con, jti, h, 60)).toEqual({ is: 'seen', before: query });
    now += 121_000;
    expect(replays.recordQueries(con, newNonce(), h, 60)).toEqual({ is: 'new' });
    expect(replays.recordQueries(con, jti, h, 60)).toEqual({ is: 'new' });
    expect(await store.list(['federation', 'replay'])).toEqual([]);
  });

  test('raises the fence when the store comes back as another incarnation, before anything is taken', async () => {
    let fences = 0;
    let incarnation = store.incarnation;
    const volatile = new Proxy(store, {
      get: (target, name) => (name === 'incarnation' ? incarnation : (Reflect.get(target, name, target) as unknown)),
    });
    const replays = new ReplayMemory(
      volatile,
      () => now,
      () => (fences += 1),
    );
    incarnation = newNonce();
    expect(replays.recordQueries(con, newNonce(), h, 60)).toEqual({ is: 'fenced' });
    expect(fences).toBe(1);
    expect(await record(replays, newNonce())).toEqual({ is: 'new' });
  });

  test('says when a record could not be written', async () => {
    const failing = memory().record(con, newNonce(), effect, 60, () => Promise.reject(new Error('disk full')));
    await expect(failing).rejects.toThrow('disk full');
  });
});
