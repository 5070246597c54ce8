import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '../../../../test/support/until.js';
import { openSqliteStore } from '../sqlite/sqlite.store.js';
import type { Key, Store } from '../store.js';
import { Replicas } from './replicas.js';

describe('processes on one store', () => {
  let store: Store;
  let there: Replicas[];
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    there = [];
  });
  afterEach(async () => {
    await Promise.all(there.map((one) => one.end()));
    await store.close();
  });

  async function enter(on: Store = store): Promise<Replicas> {
    const one = new Replicas(on, { shared: true, ttlMs: 90 });
    there.push(one);
    await one.begin();
    return one;
  }

  test('know each other, also those that come later', async () => {
    const [first, second] = [await enter(), await enter()];
    expect(second.others).toEqual([first.id]);
    await until('the first knows the second', () => first.others.includes(second.id));
    expect(first.isAlive(first.id) && first.isAlive(second.id)).toBe(true);
    expect(first.isAlive('somebody')).toBe(false);
  });

  test('hear what another commits, and not what they said themselves', async () => {
    const [first, second] = [await enter(), await enter()];
    const heard: string[] = [];
    for (const one of [first, second]) one.onNews('tea', ({ about }) => heard.push(`${one.id} ${about.join()}`));
    await store.commit({ appends: [first.news('tea', ['a', 'b'])] });
    await until('it is heard', () => heard.length > 0);
    expect(heard).toEqual([`${second.id} a,b`]);
  });

  test('are told at once of one that leaves, and after a while of one that was not heard', async () => {
    const [first, second] = [await enter(), await enter()];
    const key: Key = ['replicas', 'alive', 'silent'];
    await store.commit({ puts: [{ key, value: true, ttlMs: 300 }] });
    const gone: string[] = [];
    first.onGone((id) => gone.push(id));
    await until('all are known', () => first.others.length === 2);
    await second.end();
    await until('it is gone', () => gone.includes(second.id));
    await until('the silent one is gone', () => gone.includes('silent'));
    expect(first.others).toEqual([]);
  });

  test('one with a store of its own writes nothing', async () => {
    const alone = new Replicas(store, { shared: false });
    await alone.begin();
    expect(await store.list(['replicas'])).toEqual([]);
    expect(alone.others).toEqual([]);
    await alone.end();
  });
});
