import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { openSqliteStore, type Commit, type Store } from '#store';
import { Dialler } from './dialler.js';
import { linkedPair } from './pair.js';

interface Kept {
  readonly failures: number;
  readonly notBefore: number;
}

describe('the back-off of redialling', () => {
  let store: Store;
  /** Every look at the clock, which is over the longest delay later each time: nothing is really waited for. */
  let looks: number[];
  const now = () => {
    looks.push((looks.at(-1) ?? 0) + 61_000);
    return looks.at(-1) ?? 0;
  };
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    looks = [];
  });
  afterEach(() => store.close());

  const kept = async () => (await store.get<Kept>(['federation', 'dial', 'hub']))?.value;

  /** Dials `times` without success but the `useful` one; the delay in ms that follows each. */
  async function delays(times: number, random: () => number, useful?: number): Promise<number[]> {
    const stop = new AbortController();
    const kept: number[] = [];
    let dials = 0;
    const commit = (changes: Commit) => {
      kept.push((changes.puts?.[0]?.value as Kept).notBefore - (looks.at(-1) ?? 0));
      return store.commit(changes);
    };
    const watched = { get: store.get.bind(store), commit };
    const dial = () => {
      dials += 1;
      if (dials === times) stop.abort();
      return dials === useful ? Promise.resolve(linkedPair()[0]) : Promise.reject(new Error('nobody is there'));
    };
    const task = { name: 'hub', dial, attend: () => Promise.resolve(true) };
    await new Dialler(watched, now, random).keep(task, stop.signal);
    return kept.filter((_, n) => n % 2 === 1);
  }

  test('[F-15] doubles with every failure, up to a minute', async () => {
    const whole = await delays(10, () => 1);
    expect(whole).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000, 60_000]);
  });

  test('[F-15] has jitter: between half and all of it', async () => {
    expect(await delays(3, () => 0)).toEqual([500, 1_000, 2_000]);
  });

  test('[F-15] is not forgotten by a restart', async () => {
    await delays(4, () => 1);
    expect((await kept())?.failures).toBe(4);
    expect(await delays(2, () => 1)).toEqual([16_000, 32_000]);
  });

  test('begins anew after a link that was of use', async () => {
    expect(await delays(4, () => 1, 3)).toEqual([1_000, 2_000, 500, 1_000]);
  });

  /** A process that dials, has its link, and dies with it; resolves when it is up. */
  async function dies(afterMs = 0): Promise<Kept | undefined> {
    const up = Promise.withResolvers<undefined>();
    const attend = () => {
      up.resolve(undefined);
      return new Promise<boolean>(() => undefined);
    };
    jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance', 'Date'] });
    const task = { name: 'hub', dial: () => Promise.resolve(linkedPair()[0]), attend };
    void new Dialler(store, now, () => 1).keep(task, new AbortController().signal);
    await up.promise;
    jest.advanceTimersByTime(afterMs);
    jest.useRealTimers();
    await store.commit({ puts: [{ key: ['turn'], value: true }] });
    return kept();
  }

  test('[F-15] grows in a crash loop, though every link came about, and a link that stood ends it', async () => {
    expect([(await dies())?.failures, (await dies(9_000))?.failures, (await dies())?.failures]).toEqual([1, 2, 3]);
    expect((await kept())?.notBefore).toBe((looks.at(-1) ?? 0) + 4_000);
    expect((await dies(10_000))?.failures).toBe(0);
    expect((await dies())?.failures).toBe(1);
  });

  test('[F-15] is waited out after a restart, and then it dials', async () => {
    let time = 1_000_000;
    const stop = new AbortController();
    await store.commit({
      puts: [{ key: ['federation', 'dial', 'hub'], value: { failures: 5, notBefore: time + 60 } }],
    });
    const dial = () => {
      time += 61;
      stop.abort();
      return Promise.reject(new Error('nobody is there'));
    };
    const started = performance.now();
    await new Dialler(store, () => time).keep({ name: 'hub', dial, attend: () => Promise.resolve(true) }, stop.signal);
    expect([time, performance.now() - started >= 55]).toEqual([1_000_061, true]);
  });

  test('ends with its signal, and says goodbye on the link', async () => {
    const [near, far] = linkedPair();
    const stop = new AbortController();
    const attended = Promise.withResolvers<undefined>();
    const attend = async (): Promise<boolean> => {
      attended.resolve(undefined);
      await near.closed;
      return true;
    };
    const keeping = new Dialler(store).keep({ name: 'hub', dial: () => Promise.resolve(near), attend }, stop.signal);
    await attended.promise;
    stop.abort();
    expect((await far.closed).code).toBe(1001);
    await keeping;
  });
});
