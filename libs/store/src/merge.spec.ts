import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { Positions } from './positions.js';
import { openSqliteStore } from './sqlite/sqlite.store.js';
import { Store, type Key } from './store.js';
import { watchMany, type MergedGap, type MergedRecord } from './merge.js';

const streamOf = (name: string): Key => ['test', name];

describe('several streams read as one', () => {
  let store: Store;
  let stop: AbortController;
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort();
    await store.close();
  });

  const append = (name: string, ...values: string[]) =>
    store.commit({ appends: values.map((value) => ({ stream: streamOf(name), value })) });
  const watch = (names: () => readonly string[], cursor?: string) =>
    watchMany<string>(store, () => Promise.resolve(names().map(streamOf)), cursor, stop.signal);

  /** The next `count`, then the reader leaves. */
  async function take(
    pieces: AsyncIterable<MergedRecord<string> | MergedGap>,
    count: number,
  ): Promise<MergedRecord<string>[]> {
    const taken: MergedRecord<string>[] = [];
    for await (const piece of pieces) {
      if ('missing' in piece) throw new Error(`a gap of ${piece.missing}`);
      if (taken.push(piece) === count) break;
    }
    return taken;
  }
  const valuesOf = (records: readonly MergedRecord<string>[]) => records.map(({ value }) => value).sort();

  test('[O-2] whoever comes back with a cursor misses nothing and gets nothing twice, wherever it left', async () => {
    await append('a', 'a1', 'a2', 'a3');
    await append('b', 'b1', 'b2', 'b3');
    const all = ['a1', 'a2', 'a3', 'b1', 'b2', 'b3'];
    for (let left = 1; left < all.length; left += 1) {
      const before = await take(
        watch(() => ['a', 'b']),
        left,
      );
      const after = await take(
        watch(() => ['a', 'b'], before.at(-1)?.cursor),
        all.length - left,
      );
      expect(valuesOf([...before, ...after])).toEqual(all);
    }
  });

  test('a record that may not be handed on yet holds back its own stream and no other, and nobody who leaves', async () => {
    await append('a', 'a1', 'a2');
    await append('b', 'b1', 'b2');
    let isHeld = true;
    const ready = async ([, name]: Key, cursor: number, signal: AbortSignal) => {
      while (isHeld && name === 'a' && cursor === 2 && !signal.aborted) await sleep(5);
    };
    const names = () => Promise.resolve(['a', 'b'].map(streamOf));
    const watched = () => watchMany<string>(store, names, undefined, stop.signal, ready);
    expect(valuesOf(await take(watched(), 3))).toEqual(['a1', 'b1', 'b2']);
    const whole = take(watched(), 4);
    isHeld = false;
    expect(valuesOf(await whole)).toEqual(['a1', 'a2', 'b1', 'b2']);
  });

  test('[O-2] whoever comes back too late is told how much is missing, once and where, and goes on with what is left', async () => {
    await append('a', 'a1', 'a2', 'a3', 'a4', 'a5');
    await append('b', 'b1');
    const both = () => ['a', 'b'];
    const [, , left] = await take(watch(both), 3);
    await store.trim(streamOf('a'), 4);
    const pieces: (MergedRecord<string> | MergedGap)[] = [];
    for await (const piece of watch(both, left?.cursor)) {
      pieces.push(piece);
      if ('value' in piece && piece.value === 'a5') break;
    }
    const gap = pieces.find((piece) => 'missing' in piece);
    const read = left?.stream[1] === 'a' && left.value === 'a3' ? 3 : 2;
    expect(gap).toMatchObject({ stream: streamOf('a'), missing: 4 - read });
    expect(pieces.filter((piece) => 'missing' in piece)).toHaveLength(1);
    const [next] = await take(watch(both, gap?.cursor), 1);
    expect(next).toMatchObject({ value: 'a5' });
  });

  test('[O-2] a cursor within what is kept resumes without a gap, also when the rest was trimmed', async () => {
    await append('a', '1', '2', '3', '4', '5');
    const three = await take(
      watch(() => ['a']),
      3,
    );
    await store.trim(streamOf('a'), 3);
    const rest = await take(
      watch(() => ['a'], three.at(-1)?.cursor),
      2,
    );
    expect(rest.map(({ value }) => value)).toEqual(['4', '5']);
  });

  test('within one stream the order is kept', async () => {
    await append('a', '1', '2', '3');
    const taken = await take(
      watch(() => ['a', 'b']),
      3,
    );
    expect(taken.map(({ value }) => value)).toEqual(['1', '2', '3']);
  });

  test('a stream that appears later joins in', async () => {
    const names = ['a'];
    await append('a', 'a1');
    const records = watch(() => names)[Symbol.asyncIterator]();
    expect((await records.next()).value).toMatchObject({ value: 'a1' });
    names.push('late');
    await append('late', 'late1');
    expect((await records.next()).value).toMatchObject({ value: 'late1', stream: streamOf('late') });
    await records.return?.();
  });

  test('a reader that takes nothing holds back what is read from the store', async () => {
    let reads = 0;
    class Counting extends Proxied {
      override async *watch<T>(stream: Key, after: number, signal: AbortSignal) {
        for await (const record of this.inner.watch<T>(stream, after, signal)) {
          reads += 1;
          yield record;
        }
      }
    }
    await append('a', ...Array.from({ length: 100 }, (_, n) => `${n}`));
    const records = watchMany<string>(
      new Counting(store),
      () => Promise.resolve([streamOf('a')]),
      undefined,
      stop.signal,
    );
    await take(records, 3);
    expect(reads).toBeLessThanOrEqual(5);
  });

  test('a stream that fails ends the reading with its error, and the others are let go', async () => {
    class Failing extends Proxied {
      override watch<T>(stream: Key, after: number, signal: AbortSignal) {
        if (stream.includes('bad')) throw new Error('the disk is gone');
        return this.inner.watch<T>(stream, after, signal);
      }
    }
    const streams = () => Promise.resolve([streamOf('a'), streamOf('bad')]);
    const records = watchMany<string>(new Failing(store), streams, undefined, stop.signal);
    await expect(take(records, 5)).rejects.toThrow('the disk is gone');
  });

  test('the signal ends it without an error', async () => {
    const reading = take(
      watch(() => ['a']),
      1,
    );
    stop.abort();
    expect(await reading).toEqual([]);
  });

  test.each(['', 'x', '!!!', 'AAAA', Buffer.from('{"a":1}').toString('base64url').slice(0, 5)])(
    'a cursor that is not ours is refused: %j',
    async (cursor) => {
      await expect(
        take(
          watch(() => ['a'], cursor),
          1,
        ),
      ).rejects.toThrow(TypeError);
    },
  );
});

describe('positions', () => {
  const names = fc.uniqueArray(fc.string({ maxLength: 40 }), { minLength: 1, maxLength: 50 });
  test('come back from their cursor as they were, up to the largest', () => {
    fc.assert(
      fc.property(names, fc.array(fc.maxSafeNat(), { minLength: 50, maxLength: 50 }), (streams, at) => {
        const positions = Positions.from(undefined);
        streams.forEach((name, n) => positions.move(streamOf(name), at[n] ?? 0));
        const again = Positions.from(positions.cursor);
        expect(streams.map((name) => again.of(streamOf(name)))).toEqual(streams.map((_, n) => at[n] ?? 0));
      }),
    );
  });

  test('of a thousand streams fit into an HTTP header', () => {
    const positions = Positions.from(undefined);
    for (let n = 0; n < 1_000; n += 1) positions.move(['federation', 'events', `connection-${n}`], 1_000_000);
    expect(positions.cursor.length).toBeLessThan(12_000);
  });
});

/** The store itself, with one of its verbs changed by a test. */
class Proxied extends Store {
  readonly incarnation = 'test';
  constructor(protected readonly inner: Store) {
    super();
  }
  now = () => this.inner.now();
  get = <T>(key: Key) => this.inner.get<T>(key);
  list = <T>(...args: Parameters<Store['list']>) => this.inner.list<T>(...args);
  commit = (...args: Parameters<Store['commit']>) => this.inner.commit(...args);
  read = <T>(...args: Parameters<Store['read']>) => this.inner.read<T>(...args);
  head = (stream: Key) => this.inner.head(stream);
  watch<T>(stream: Key, after: number, signal: AbortSignal) {
    return this.inner.watch<T>(stream, after, signal);
  }
  trim = (stream: Key, through: number) => this.inner.trim(stream, through);
  close = () => this.inner.close();
}
