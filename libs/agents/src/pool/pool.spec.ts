// The pool over real processes: each backend is a child of this test, and what counts is whether it lives.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Lines } from '../../../../test/support/shell-runtime.js';
import { until } from '../../../../test/support/until.js';
import { poolOptions } from './options.js';
import { Pool } from './pool.js';
import type { Warm } from './warm.js';

class Child implements Warm {
  readonly process: ChildProcess = spawn('sleep', ['600'], { stdio: 'ignore' });
  answersProbes = true;
  isBusy = false;
  isStubborn = false;
  /** Its end is never told. */
  hangs = false;

  get lives(): boolean {
    return this.process.exitCode === null && this.process.signalCode === null;
  }

  idle(): Promise<boolean> {
    return this.answersProbes ? Promise.resolve(!this.isBusy) : new Promise(() => undefined);
  }

  async close(): Promise<void> {
    if (this.isStubborn) throw new Error('it still lives');
    if (this.hangs) await new Promise(() => undefined);
    const exit = this.lives ? once(this.process, 'exit') : undefined;
    this.process.kill('SIGKILL');
    await exit;
  }
}

describe('the warm pool', () => {
  let children: Child[];
  let now: number;

  beforeEach(() => {
    children = [];
    now = 0;
  });
  afterEach(() => {
    for (const { process } of children) process.kill('SIGKILL');
  });

  const make = (): Promise<Child> => {
    const child = new Child();
    children.push(child);
    return Promise.resolve(child);
  };
  const pooled = (options = {}) =>
    new Pool<Child>(
      poolOptions.parse({ warmMax: 2, waitMs: 10_000, probeMs: 50, closeMs: 200, ...options }),
      new Lines(),
      () => now,
    );
  const key = (agentId: string, owner = 'local') => ({ owner, session: 's', agentId });
  const maker = {};
  const lease = (pool: Pool<Child>, agentId: string, owner?: string) => pool.lease(key(agentId, owner), maker, make);
  const living = () => children.filter(({ lives }) => lives).length;

  /** One that is warm and idle. */
  const warmed = async (pool: Pool<Child>, agentId: string): Promise<Child> => {
    const { backend, release } = await lease(pool, agentId);
    now += 1;
    release();
    return backend;
  };

  test('gives the same backend again, and to nobody else', async () => {
    const pool = pooled();
    const first = await warmed(pool, 'a');
    expect((await lease(pool, 'a')).backend).toBe(first);
    expect((await lease(pool, 'a', 'other')).backend).not.toBe(first);
  });

  test('[P-4] at its cap it lets the least recent idle one go, and never a leased one', async () => {
    const pool = pooled();
    const [a, b] = [await warmed(pool, 'a'), await warmed(pool, 'b')];
    const held = await lease(pool, 'a');
    await lease(pool, 'c');
    expect([a.lives, b.lives, living()]).toEqual([true, false, 2]);
    held.release();
  });

  test('[P-4] all being busy, whoever comes waits in line, for a bounded time', async () => {
    const pool = pooled({ warmMax: 1 });
    const held = await lease(pool, 'a');
    const order: string[] = [];
    const rest = ['b', 'c'].map(async (agentId) => {
      const next = await lease(pool, agentId);
      order.push(agentId);
      next.release();
    });
    expect(living()).toBe(1);
    held.release();
    await Promise.all(rest);
    expect([order, living()]).toEqual([['b', 'c'], 1]);
    const hasty = pooled({ warmMax: 1, waitMs: 20 });
    await lease(hasty, 'a');
    await expect(lease(hasty, 'b')).rejects.toMatchObject({ code: 'capacity' });
  });

  test('[P-3] [P-5] one that is busy by its own word, or does not say, is not let go', async () => {
    const pool = pooled({ idleMs: 10 });
    const [a, b] = [await warmed(pool, 'a'), await warmed(pool, 'b')];
    a.isBusy = true;
    b.answersProbes = false;
    now += 1_000;
    await pool.sweep();
    expect([a.lives, b.lives]).toEqual([true, true]);
    a.isBusy = false;
    now += 20_000;
    await pool.sweep();
    await until('the idle one is gone', () => !a.lives);
    expect(b.lives).toBe(true);
  });

  test('[P-3] an end that is never told holds up neither a sweep nor the end of another', async () => {
    const pool = pooled({ idleMs: 10, closeMs: 50 });
    const [a, b] = [await warmed(pool, 'a'), await warmed(pool, 'b')];
    a.hangs = true;
    now += 1_000;
    await pool.sweep();
    await until('the other is gone', () => !b.lives);
    await until('the hung one is set apart', () => pool.view().entries[0]?.state === 'quarantined');
    expect(pool.view().entries).toMatchObject([{ key: key('a'), state: 'quarantined', attempts: 1 }]);
    await warmed(pool, 'c');
    now += 1_000;
    await pool.sweep();
    await until('the next one is gone too', () => living() === 1);
    expect(pool.view().entries).toMatchObject([{ key: key('a'), state: 'quarantined', attempts: 2 }]);
    expect(a.lives).toBe(true);
  });

  test('[P-2] one that is asked for while it is looked at stays', async () => {
    const pool = pooled({ idleMs: 10 });
    const a = await warmed(pool, 'a');
    now += 1_000;
    const sweeping = pool.sweep();
    const again = lease(pool, 'a');
    await sweeping;
    expect((await again).backend).toBe(a);
    expect(a.lives).toBe(true);
  });

  test('[P-9] what will not die keeps its place and is tried again until it is gone', async () => {
    const pool = pooled();
    const a = await warmed(pool, 'a');
    a.isStubborn = true;
    expect(await pool.end(key('a'))).toBe(false);
    expect(pool.view().entries).toMatchObject([{ key: key('a'), state: 'quarantined', attempts: 1 }]);
    await pool.sweep();
    expect(pool.view().entries).toMatchObject([{ state: 'quarantined', attempts: 2 }]);
    a.isStubborn = false;
    await pool.sweep();
    expect([pool.view().entries, a.lives]).toEqual([[], false]);
  });

  test('[P-1] the same key in other hands is another backend; the old one is ended first', async () => {
    const pool = pooled();
    const a = await warmed(pool, 'a');
    const other = await pool.lease(key('a'), {}, make);
    expect(other.backend).not.toBe(a);
    expect([a.lives, living()]).toEqual([false, 1]);
  });

  test('one backend of a key is made at a time', async () => {
    const pool = pooled();
    const both = ['a', 'a'].map(async (agentId) => {
      const { backend, release } = await lease(pool, agentId);
      release();
      return backend;
    });
    const [one, other] = await Promise.all(both);
    expect([one === other, children.length]).toEqual([true, 1]);
  });

  test('[P-8] drained, nothing is left, also of what comes back later or sweeps meanwhile', async () => {
    const pool = pooled({ idleMs: 1 });
    await warmed(pool, 'a');
    const held = await lease(pool, 'b');
    now += 1_000;
    const sweeping = pool.sweep();
    await pool.drain();
    await sweeping;
    held.release();
    await until('nothing lives', () => living() === 0);
    expect(pool.view().entries).toEqual([]);
    await expect(lease(pool, 'c')).rejects.toMatchObject({ code: 'capacity' });
  });

  test('[P-8] one that is still being made when the pool is drained goes as soon as it is given back', async () => {
    const pool = pooled();
    const go = Promise.withResolvers<undefined>();
    const leasing = pool.lease(key('a'), maker, () => go.promise.then(make));
    expect(await pool.drain()).toBe(1);
    go.resolve(undefined);
    const { backend, release } = await leasing;
    expect(backend.lives).toBe(true);
    release();
    await until('nothing lives', () => living() === 0);
    expect(pool.view().entries).toEqual([]);
  });
});
