import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Leases } from './lease.js';
import { openSqliteStore } from './sqlite/sqlite.store.js';
import type { Store } from './store.js';

describe('Leases', () => {
  const name = ['journal', 'con-1'] as const;
  let time: number;
  let store: Store;
  let leases: Leases;
  beforeEach(async () => {
    time = 1_000_000;
    store = await openSqliteStore({ path: ':memory:', clock: () => time });
    leases = new Leases(store, { ttlMs: 1_000 });
  });
  afterEach(() => store.close());

  test('a free lease is taken, and says until when', async () => {
    expect(await leases.acquire(name, 'a')).toMatchObject({ owner: 'a', fence: 1, expiresAt: time + 1_000 });
  });

  test('[L-1] of many that reach for it at once exactly one gets it', async () => {
    const won = await Promise.all(Array.from({ length: 20 }, (_, i) => leases.acquire(name, `replica-${i}`)));
    expect(won.filter(Boolean)).toHaveLength(1);
  });

  test('nobody else gets it while it is renewed, however long', async () => {
    let lease = await leases.acquire(name, 'a');
    for (let i = 0; i < 10; i++) {
      time += 900;
      expect(await leases.acquire(name, 'b')).toBeNull();
      lease = await leases.renew(lease!);
      expect(lease).toMatchObject({ fence: 1, expiresAt: time + 1_000 });
    }
  });

  test('[L-11] after its time is over another takes it with the next fence, and the old owner can neither renew nor commit', async () => {
    const old = await leases.acquire(name, 'a');
    time += 1_001;
    const taken = await leases.acquire(name, 'b');
    expect(taken).toMatchObject({ owner: 'b', fence: 2 });
    expect(await leases.renew(old!)).toBeNull();
    const late = await store.commit({ checks: [old!.held], puts: [{ key: ['work'], value: 'late' }] });
    expect(late).toEqual({ ok: false, conflict: name });
    expect((await store.commit({ checks: [taken!.held], puts: [{ key: ['work'], value: 'good' }] })).ok).toBe(true);
  });

  test('a commit under the lease goes through although the lease was renewed meanwhile', async () => {
    const lease = await leases.acquire(name, 'a');
    await leases.renew(lease!);
    expect((await store.commit({ checks: [lease!.held] })).ok).toBe(true);
  });

  test('a lease that ran out but that nobody took can be renewed', async () => {
    const lease = await leases.acquire(name, 'a');
    time += 5_000;
    expect(await leases.renew(lease!)).toMatchObject({ fence: 1, expiresAt: time + 1_000 });
    expect(await leases.acquire(name, 'b')).toBeNull();
  });

  test('a released lease is free at once and its fence goes on counting', async () => {
    await leases.release((await leases.acquire(name, 'a'))!);
    expect(await leases.acquire(name, 'b')).toMatchObject({ fence: 2 });
  });

  test('releasing a lease that was taken over leaves the new owner alone', async () => {
    const old = await leases.acquire(name, 'a');
    time += 1_001;
    const taken = await leases.acquire(name, 'b');
    await leases.release(old!);
    expect(await leases.acquire(name, 'c')).toBeNull();
    expect(await leases.renew(taken!)).not.toBeNull();
  });

  test('an owner that starts again gets its lease at once, and fences its own former self off', async () => {
    const before = await leases.acquire(name, 'a');
    const after = await leases.acquire(name, 'a');
    expect(after).toMatchObject({ fence: 2 });
    expect(await leases.renew(before!)).toBeNull();
  });
});
