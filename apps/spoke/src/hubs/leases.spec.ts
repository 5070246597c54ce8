import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openSqliteStore, type Store } from '#store';
import { HubLeases } from './leases.js';

describe('[F-13] how long a hub was not heard', () => {
  let store: Store;
  let nowMs: number;
  let clockMs: number;
  beforeEach(async () => {
    [nowMs, clockMs] = [0, 1_000_000];
    store = await openSqliteStore({ path: ':memory:', clock: () => clockMs });
  });
  afterEach(() => store.close());

  const leases = () => new HubLeases(store, () => nowMs);
  const pass = (ms: number) => {
    nowMs += ms;
    clockMs += ms;
  };

  test('begins with the first look, and again with every sign of life', async () => {
    const of = leases();
    expect(await of.silentMs('con', undefined)).toBe(0);
    pass(40_000);
    expect(await of.silentMs('con', undefined)).toBe(40_000);
    expect(await of.silentMs('con', 7)).toBe(0);
    pass(20_000);
    expect(await of.silentMs('con', 7)).toBe(20_000);
    expect(await of.silentMs('con', 8)).toBe(0);
    expect(await of.silentMs('other', undefined)).toBe(0);
  });

  test('goes on over restarts: a spoke that dies again and again gives a silent hub no time anew', async () => {
    await leases().silentMs('con', 7);
    pass(30_000);
    expect(await leases().silentMs('con', undefined)).toBe(30_000);
    pass(30_000);
    const after = leases();
    expect(await after.silentMs('con', undefined)).toBe(60_000);
    expect(await after.silentMs('con', 9)).toBe(0);
  });

  test('a step of the clock stops nobody while the process lives, and one back counts as no time', async () => {
    const of = leases();
    await of.silentMs('con', 7);
    clockMs += 86_400_000;
    expect(await of.silentMs('con', 7)).toBe(0);
    clockMs -= 2 * 86_400_000;
    expect(await leases().silentMs('con', undefined)).toBe(0);
  });
});
