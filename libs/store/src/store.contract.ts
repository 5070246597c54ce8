// The contract of the Store port: every sentence of its documentation, run on each adapter against its real server.
import { afterEach, beforeEach, describe, expect, test as always } from '@jest/globals';
import { setImmediate } from 'node:timers/promises';
import type { Key, Store, StreamRecord } from './store.js';

/** What an adapter brings. `wait` passes time on the store's clock; `second` opens the same data once more. */
export interface Subject {
  readonly store: Store;
  second(): Promise<Store>;
  wait(ms: number): Promise<void>;
  /** Closes every store that it opened and removes what they left. */
  dispose(): Promise<void>;
}

/** @param test What `requirement` answers for an adapter whose server a machine may lack. */
export function describeStoreContract(
  name: string,
  open: () => Promise<Subject>,
  test: (title: string, run: () => Promise<void>) => void = always,
): void {
  describe(`Store on ${name}`, () => {
    let subject: Subject;
    let store: Store;
    beforeEach(async () => {
      subject = await open();
      store = subject.store;
    });
    afterEach(() => subject.dispose());

    describe('records', () => {
      test('a record that was never written reads as absent', async () => {
        expect(await store.get(['nobody'])).toBeNull();
      });

      test('a record reads back as written, whatever JSON it is', async () => {
        const values = [null, 0, '', 'ü\u0000\ud83d\ude00', [], {}, { a: [1, { b: false }] }, 2 ** 53 - 1];
        await store.commit({ puts: values.map((value, i) => ({ key: ['json', `${i}`], value })) });
        for (const [i, value] of values.entries()) {
          const entry = await store.get(['json', `${i}`]);
          expect(entry).toMatchObject({ key: ['json', `${i}`] });
          expect(entry?.value).toEqual(value);
        }
      });

      test('the version that a commit answers is the version that its records read with, and changes with every write', async () => {
        const versions = new Set<string>();
        for (const value of [1, 1, 2]) {
          const result = await store.commit({ puts: [{ key: ['v'], value }] });
          if (!result.ok) throw new Error('conflict');
          expect((await store.get(['v']))?.version).toBe(result.version);
          versions.add(result.version);
        }
        expect(versions.size).toBe(3);
      });

      test('a record that was deleted and written again has a version that it never had before', async () => {
        await store.commit({ puts: [{ key: ['v'], value: 1 }] });
        const before = await store.get(['v']);
        await store.commit({ deletes: [['v']] });
        expect(await store.get(['v'])).toBeNull();
        await store.commit({ puts: [{ key: ['v'], value: 1 }] });
        expect((await store.get(['v']))?.version).not.toBe(before?.version);
      });

      test('puts come before deletes: a key in both ends up absent', async () => {
        await store.commit({ puts: [{ key: ['both'], value: 1 }], deletes: [['both']] });
        expect(await store.get(['both'])).toBeNull();
      });

      test('deleting what is not there is no error', async () => {
        expect((await store.commit({ deletes: [['nothing']] })).ok).toBe(true);
      });
    });

    describe('keys', () => {
      test('[P-7] keys are paths and are never joined: parts cannot meet across their border', async () => {
        const keys: Key[] = [
          ['a', 'b:c'],
          ['a:b', 'c'],
          ['a', 'b', 'c'],
          ['abc'],
          ['a\0b', 'c'],
          ['a', 'b\0c'],
          ['a\0', 'b'],
          ['a', '\0b'],
          ['a\x01\x01b'],
          ['a\x01b'],
          ['a\x01', '\x01b'],
          ['a', ''],
          ['', 'a'],
          ['a'],
          ['', ''],
          [''],
          ['ab', 'c'],
          ['a}b{'],
        ];
        await store.commit({ puts: keys.map((key, value) => ({ key, value })) });
        for (const [value, key] of keys.entries()) expect(await store.get(key)).toMatchObject({ key, value });
      });

      test('[P-7] streams of different paths never meet', async () => {
        await store.commit({ appends: [{ stream: ['a', 'b:c'], value: 1 }] });
        expect(await store.head(['a:b', 'c'])).toBe(0);
        expect(await store.head(['a', 'b', 'c'])).toBe(0);
      });

      test('a record and a stream may have the same key', async () => {
        await store.commit({ puts: [{ key: ['x'], value: 'record' }], appends: [{ stream: ['x'], value: 'entry' }] });
        expect((await store.get(['x']))?.value).toBe('record');
        expect(await store.read(['x'], { after: 0 })).toEqual([{ cursor: 1, value: 'entry' }]);
      });

      const refused: [string, Key][] = [
        ['no parts', [] as unknown as Key],
        ['nine parts', ['1', '2', '3', '4', '5', '6', '7', '8', '9']],
        ['more than 512 bytes', ['ü'.repeat(257)]],
        ['a part that is no string', [7] as unknown as Key],
        ['half a surrogate pair', ['\ud800']],
      ];
      for (const [what, key] of refused)
        test(`a key with ${what} is refused as invalid`, async () => {
          await expect(store.get(key)).rejects.toMatchObject({ code: 'invalid' });
          await expect(store.commit({ puts: [{ key, value: 1 }] })).rejects.toMatchObject({ code: 'invalid' });
          await expect(store.head(key)).rejects.toMatchObject({ code: 'invalid' });
        });

      test('a key of eight parts and 512 bytes is accepted', async () => {
        const key: Key = ['1', '2', '3', '4', '5', '6', '7', 'x'.repeat(505)];
        await store.commit({ puts: [{ key, value: 1 }] });
        expect((await store.get(key))?.key).toEqual(key);
      });
    });

    describe('lists', () => {
      const names = ['', '\0', '\x01', 'A', 'a', 'a\0', 'a\x01', 'a!', 'ab', 'b', 'é', '\uffff', '\u{1f600}'];
      const inByteOrder = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      const leafs = (entries: readonly { key: Key }[]) => entries.map(({ key }) => key.at(-1));

      test('a list has what lies below the prefix, in the order of UTF-8 bytes, without the prefix itself and its neighbours', async () => {
        const outside: Key[] = [['l'], ['l\0'], ['la'], ['k', 'z'], ['m', 'a']];
        await store.commit({
          puts: [...names.toReversed().map((name): Key => ['l', name]), ...outside].map((key) => ({ key, value: 1 })),
        });
        expect(leafs(await store.list(['l']))).toEqual(inByteOrder);
        expect(leafs(await store.list(['l'], { reverse: true }))).toEqual(inByteOrder.toReversed());
      });

      test('a list goes down through all levels, parents before children', async () => {
        const keys: Key[] = [
          ['t', 'a'],
          ['t', 'a', 'x'],
          ['t', 'a', 'x', 'y'],
          ['t', 'a!'],
          ['t', 'b', 'x'],
        ];
        await store.commit({ puts: keys.toReversed().map((key) => ({ key, value: 1 })) });
        expect((await store.list(['t'])).map(({ key }) => key)).toEqual(keys);
        expect((await store.list(['t', 'a'])).map(({ key }) => key)).toEqual(keys.slice(1, 3));
      });

      test('pages by `after` and `limit` put together are the whole list, in both directions', async () => {
        await store.commit({ puts: names.map((name) => ({ key: ['l', name], value: name })) });
        for (const reverse of [false, true]) {
          const seen: string[] = [];
          for (let after: Key | undefined; ;) {
            const page = await store.list<string>(['l'], { after, limit: 3, reverse });
            expect(page.length).toBeLessThanOrEqual(3);
            seen.push(...page.map(({ value }) => value));
            after = page.at(-1)?.key;
            if (!after) break;
          }
          expect(seen).toEqual(reverse ? inByteOrder.toReversed() : inByteOrder);
        }
      });

      test('a list has versions that a check accepts', async () => {
        await store.commit({ puts: [{ key: ['l', 'a'], value: 1 }] });
        const [entry] = await store.list(['l']);
        const result = await store.commit({ checks: [entry!], puts: [{ key: ['l', 'a'], value: 2 }] });
        expect(result.ok).toBe(true);
      });

      test('a list is 1,000 long at most, and by default', async () => {
        const puts = Array.from({ length: 600 }, (_, i) => ({ key: ['big', `${i}`] as Key, value: i }));
        const more = puts.map(({ key, value }) => ({ key: [...key, 'x'] as unknown as Key, value }));
        await store.commit({ puts });
        await store.commit({ puts: more });
        const page = await store.list(['big']);
        expect(page).toHaveLength(1_000);
        expect(await store.list(['big'], { after: page.at(-1)!.key })).toHaveLength(200);
      });

      for (const limit of [0, -1, 1.5, 1_001, Number.NaN])
        test(`a limit of ${limit} is refused as invalid`, async () => {
          await expect(store.list(['l'], { limit })).rejects.toMatchObject({ code: 'invalid' });
          await expect(store.read(['l'], { after: 0, limit })).rejects.toMatchObject({ code: 'invalid' });
        });

      for (const after of [['l'], ['m', 'a'], ['la']] as Key[])
        test(`\`after\` ${after.join('/')}, not below the prefix, is refused`, async () => {
          await expect(store.list(['l'], { after })).rejects.toMatchObject({ code: 'invalid' });
        });
    });

    describe('commits', () => {
      const circle: unknown[] = [];
      circle.push(circle);

      test('a check on `null` lets exactly the first of two creations through', async () => {
        const create = { checks: [{ key: ['c'] as Key, version: null }], puts: [{ key: ['c'] as Key, value: 1 }] };
        expect((await store.commit(create)).ok).toBe(true);
        expect(await store.commit(create)).toEqual({ ok: false, conflict: ['c'] });
      });

      test('a check on an old version fails, on a version of a record that is gone too, and one that was never given out too', async () => {
        await store.commit({ puts: [{ key: ['c'], value: 1 }] });
        const old = await store.get(['c']);
        await store.commit({ puts: [{ key: ['c'], value: 2 }] });
        expect(await store.commit({ checks: [old!] })).toEqual({ ok: false, conflict: ['c'] });
        await store.commit({ deletes: [['c']] });
        expect(await store.commit({ checks: [old!] })).toEqual({ ok: false, conflict: ['c'] });
        expect(await store.commit({ checks: [{ key: ['c'], version: 'x' }] })).toEqual({ ok: false, conflict: ['c'] });
      });

      test('`conflict` is the first key whose check failed', async () => {
        await store.commit({ puts: [{ key: ['b'], value: 1 }] });
        const checks = [
          { key: ['a'] as Key, version: null },
          { key: ['b'] as Key, version: null },
          { key: ['c'] as Key, version: '99' },
        ];
        expect(await store.commit({ checks })).toEqual({ ok: false, conflict: ['b'] });
      });

      test('[L-3] [L-4] a failed check writes nothing: no put, no delete, no event', async () => {
        await store.commit({ puts: [{ key: ['kept'], value: 1 }], appends: [{ stream: ['s'], value: 1 }] });
        const result = await store.commit({
          checks: [{ key: ['kept'], version: null }],
          puts: [{ key: ['new'], value: 1 }],
          deletes: [['kept']],
          appends: [{ stream: ['s'], value: 2 }],
        });
        expect(result.ok).toBe(false);
        expect(await store.get(['new'])).toBeNull();
        expect((await store.get(['kept']))?.value).toBe(1);
        expect(await store.head(['s'])).toBe(1);
      });

      test('[L-3] [L-4] a reader never sees the state without its event', async () => {
        const reader = await subject.second();
        const writes = (async () => {
          for (let n = 1; n <= 200; n++)
            await store.commit({ puts: [{ key: ['state'], value: n }], appends: [{ stream: ['events'], value: n }] });
        })();
        for (let seen = 0; seen < 200;) {
          await setImmediate();
          seen = (await reader.get<number>(['state']))?.value ?? 0;
          expect(await reader.head(['events'])).toBeGreaterThanOrEqual(seen);
        }
        await writes;
      });

      test('a commit that is refused as invalid in its last part leaves nothing of its first', async () => {
        const refused = store.commit({
          puts: [{ key: ['first'], value: 1 }],
          appends: [{ stream: ['s'], value: undefined }],
        });
        await expect(refused).rejects.toMatchObject({ code: 'invalid' });
        expect(await store.get(['first'])).toBeNull();
      });

      test('one failing commit of a tick fails alone', async () => {
        const commits = Array.from({ length: 20 }, (_, i) =>
          store.commit({
            checks: [{ key: ['slot', `${i % 10}`], version: null }],
            puts: [{ key: ['slot', `${i % 10}`], value: i }],
            appends: [{ stream: ['slots'], value: i }],
          }),
        );
        expect((await Promise.all(commits)).filter(({ ok }) => ok)).toHaveLength(10);
        expect(await store.head(['slots'])).toBe(10);
      });

      test('[L-1] two replicas that race for one record by compare-and-set lose no update', async () => {
        const replicas = [store, await subject.second()];
        const increment = async (replica: Store): Promise<void> => {
          for (;;) {
            const found = await replica.get<number>(['counter']);
            const result = await replica.commit({
              checks: [{ key: ['counter'], version: found?.version ?? null }],
              puts: [{ key: ['counter'], value: (found?.value ?? 0) + 1 }],
              appends: [{ stream: ['counted'], value: null }],
            });
            if (result.ok) return;
          }
        };
        const rounds = replicas.flatMap((replica) => Array.from({ length: 4 }, () => replica));
        await Promise.all(
          rounds.map(async (replica) => {
            for (let i = 0; i < 10; i++) await increment(replica);
          }),
        );
        expect((await store.get(['counter']))?.value).toBe(80);
        expect(await store.head(['counted'])).toBe(80);
      });

      test('what one replica has committed, the other reads at once', async () => {
        const other = await subject.second();
        for (let i = 0; i < 20; i++) {
          await store.commit({ puts: [{ key: ['shared'], value: i }], appends: [{ stream: ['shared'], value: i }] });
          expect((await other.get(['shared']))?.value).toBe(i);
          expect(await other.head(['shared'])).toBe(i + 1);
        }
      });

      const values: [string, unknown][] = [
        ['undefined', undefined],
        ['a function', () => 1],
        ['a bigint', 1n],
        ['a circle', circle],
        ['more than 4 MiB', 'x'.repeat(4 * 1024 * 1024)],
      ];
      for (const [what, value] of values)
        test(`a value that is ${what} is refused as invalid`, async () => {
          for (const commit of [
            { puts: [{ key: ['k'] as Key, value }] },
            { appends: [{ stream: ['k'] as Key, value }] },
          ])
            await expect(store.commit(commit)).rejects.toMatchObject({ code: 'invalid' });
        });

      test('a commit of more than 1,000 operations is refused as invalid', async () => {
        const deletes = Array.from({ length: 1_001 }, (_, i): Key => [`${i}`]);
        await expect(store.commit({ deletes })).rejects.toMatchObject({ code: 'invalid' });
      });
    });

    describe('expiry', () => {
      test('a record with a TTL reads as absent once that time has passed on the store’s clock', async () => {
        await store.commit({
          puts: [
            { key: ['ttl', 'short'], value: 1, ttlMs: 1_500 },
            { key: ['ttl', 'long'], value: 1, ttlMs: 3_600_000 },
            { key: ['ttl', 'none'], value: 1 },
          ],
        });
        const created = await store.get(['ttl', 'short']);
        expect(created).not.toBeNull();
        await subject.wait(1_501);
        expect(await store.get(['ttl', 'short'])).toBeNull();
        expect((await store.list(['ttl'])).map(({ key }) => key[1])).toEqual(['long', 'none']);
        expect(await store.commit({ checks: [created!] })).toEqual({ ok: false, conflict: ['ttl', 'short'] });
        expect((await store.commit({ checks: [{ key: ['ttl', 'short'], version: null }] })).ok).toBe(true);
      });

      test('a page of a list is full although expired records lie between', async () => {
        const puts = Array.from({ length: 40 }, (_, i) => ({
          key: ['mix', String(i).padStart(2, '0')] as Key,
          value: i,
          ...(i % 4 ? { ttlMs: 200 } : {}),
        }));
        await store.commit({ puts });
        await subject.wait(201);
        const values = async (reverse: boolean) =>
          (await store.list<number>(['mix'], { limit: 5, reverse })).map(({ value }) => value);
        expect(await values(false)).toEqual([0, 4, 8, 12, 16]);
        expect(await values(true)).toEqual([36, 32, 28, 24, 20]);
      });

      test('a write without a TTL makes a record permanent again', async () => {
        await store.commit({ puts: [{ key: ['ttl'], value: 1, ttlMs: 200 }] });
        await store.commit({ puts: [{ key: ['ttl'], value: 2 }] });
        await subject.wait(201);
        expect((await store.get(['ttl']))?.value).toBe(2);
      });

      test('`now` is the clock that expiry counts on', async () => {
        const before = await store.now();
        await subject.wait(50);
        expect((await store.now()) - before).toBeGreaterThanOrEqual(50);
      });

      for (const ttlMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
        test(`a TTL of ${ttlMs} is refused as invalid`, async () => {
          await expect(store.commit({ puts: [{ key: ['k'], value: 1, ttlMs }] })).rejects.toMatchObject({
            code: 'invalid',
          });
        });
    });

    describe('streams', () => {
      const append = async (...values: unknown[]) =>
        store.commit({ appends: values.map((value) => ({ stream: ['s'] as Key, value })) });

      test('a stream that never had an entry has head 0 and reads as empty', async () => {
        expect(await store.head(['s'])).toBe(0);
        expect(await store.read(['s'], { after: 0 })).toEqual([]);
      });

      test('the commit answers each append with its cursor: 1, 2, 3, … per stream', async () => {
        const result = await store.commit({
          appends: [
            { stream: ['s'], value: 'a' },
            { stream: ['t'], value: 'b' },
            { stream: ['s'], value: 'c' },
          ],
        });
        expect(result).toMatchObject({ ok: true, cursors: [1, 1, 2] });
        expect(await append('d')).toMatchObject({ cursors: [3] });
        expect((await store.read(['s'], { after: 0 })).map(({ value }) => value)).toEqual(['a', 'c', 'd']);
      });

      test('cursors have no gaps under concurrent appends and failing commits', async () => {
        const other = await subject.second();
        const commits = Array.from({ length: 100 }, (_, i) =>
          (i % 2 ? store : other).commit({
            checks: i % 5 ? [] : [{ key: ['never'], version: '1' }],
            appends: [{ stream: ['s'], value: i }],
          }),
        );
        await Promise.all(commits);
        const records = await store.read(['s'], { after: 0 });
        expect(records.map(({ cursor }) => cursor)).toEqual(Array.from({ length: 80 }, (_, i) => i + 1));
      });

      test('`after` is exclusive and pages put together are the stream', async () => {
        await append(...Array.from({ length: 10 }, (_, i) => i));
        const seen: number[] = [];
        for (let after = 0; ;) {
          const page = await store.read<number>(['s'], { after, limit: 4 });
          if (page.length === 0) break;
          seen.push(...page.map(({ value }) => value));
          after = page.at(-1)!.cursor;
        }
        expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        expect(await store.read(['s'], { after: 99 })).toEqual([]);
      });

      test('`trim` forgets up to and including the cursor and never renumbers, even when all is gone', async () => {
        await append('a', 'b', 'c');
        await store.trim(['s'], 2);
        expect(await store.read(['s'], { after: 0 })).toEqual([{ cursor: 3, value: 'c' }]);
        await store.trim(['s'], 3);
        expect(await store.read(['s'], { after: 0 })).toEqual([]);
        expect(await store.head(['s'])).toBe(3);
        expect(await append('d')).toMatchObject({ cursors: [4] });
        await store.trim(['nothing'], 7);
        expect(await store.head(['nothing'])).toBe(0);
      });

      test('trimming past the end does not reach what comes later', async () => {
        await append('a', 'b');
        await store.trim(['s'], 50);
        await append('c');
        expect(await store.read(['s'], { after: 0 })).toEqual([{ cursor: 3, value: 'c' }]);
      });

      for (const cursor of [-1, 1.5, Number.NaN])
        test(`a cursor of ${cursor} is refused as invalid`, async () => {
          await expect(store.read(['s'], { after: cursor })).rejects.toMatchObject({ code: 'invalid' });
          await expect(store.trim(['s'], cursor)).rejects.toMatchObject({ code: 'invalid' });
        });
    });

    describe('watch', () => {
      const append = (to: Store, value: unknown) => to.commit({ appends: [{ stream: ['w'], value }] });

      /** Watches until `count` records are there, then stops. */
      const take = async (from: Store, after: number, count: number): Promise<StreamRecord[]> => {
        const stop = new AbortController();
        const seen: StreamRecord[] = [];
        for await (const record of from.watch(['w'], after, stop.signal)) {
          seen.push(record);
          if (seen.length === count) stop.abort();
        }
        return seen;
      };
      const cursors = (records: readonly StreamRecord[]) => records.map(({ cursor }) => cursor);

      test('what is there comes first, then what is appended later', async () => {
        await append(store, 'a');
        const watched = take(store, 0, 3);
        await append(store, 'b');
        await append(store, 'c');
        expect(await watched).toEqual([
          { cursor: 1, value: 'a' },
          { cursor: 2, value: 'b' },
          { cursor: 3, value: 'c' },
        ]);
      });

      test('a watch resumed from its last cursor neither loses nor doubles an entry while others write', async () => {
        const other = await subject.second();
        const writing = (async () => {
          for (let i = 0; i < 150; i++) await append(i % 2 ? store : other, i);
        })();
        const seen: number[] = [];
        while (seen.length < 150) seen.push(...cursors(await take(store, seen.at(-1) ?? 0, 15)));
        await writing;
        expect(seen).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
      });

      test('a watch sees what another replica appends', async () => {
        const other = await subject.second();
        const watched = take(store, 0, 2);
        await append(other, 'far');
        await append(other, 'away');
        expect((await watched).map(({ value }) => value)).toEqual(['far', 'away']);
      });

      test('many watchers of many streams each see their own', async () => {
        const stop = new AbortController();
        const watches = Array.from({ length: 20 }, async (_, i) => {
          for await (const { value } of store.watch(['many', `${i}`], 0, stop.signal)) return value;
          return undefined;
        });
        for (let i = 0; i < 20; i++) await store.commit({ appends: [{ stream: ['many', `${i}`], value: i }] });
        expect(await Promise.all(watches)).toEqual(Array.from({ length: 20 }, (_, i) => i));
        stop.abort();
      });

      test('an abort ends a waiting watch without an error, and an aborted signal never starts one', async () => {
        const stop = new AbortController();
        const watched = (async () => {
          const seen: unknown[] = [];
          for await (const { value } of store.watch(['w'], 0, stop.signal)) {
            seen.push(value);
            void setImmediate().then(() => stop.abort());
          }
          return seen;
        })();
        await append(store, 'only');
        expect(await watched).toEqual(['only']);
        for await (const record of store.watch(['w'], 0, stop.signal)) throw new Error(JSON.stringify(record));
      });

      test('a watch goes on past what is trimmed under it', async () => {
        await append(store, 'a');
        await append(store, 'b');
        await store.trim(['w'], 1);
        expect(await take(store, 0, 1)).toEqual([{ cursor: 2, value: 'b' }]);
      });

      test('a watch of a store that closes says so rather than looking like the end', async () => {
        const other = await subject.second();
        const watched = take(other, 0, 1);
        const refused = expect(watched).rejects.toMatchObject({ code: 'store_unavailable' });
        await other.close();
        await refused;
      });

      test('a watch from an invalid cursor is refused', async () => {
        await expect(take(store, -1, 1)).rejects.toMatchObject({ code: 'invalid' });
      });
    });

    describe('life', () => {
      test('the incarnation is the same for every replica and after a reopening', async () => {
        expect(store.incarnation).toMatch(/^[0-9a-f-]{36}$/);
        const other = await subject.second();
        expect(other.incarnation).toBe(store.incarnation);
        await other.close();
        expect((await subject.second()).incarnation).toBe(store.incarnation);
      });

      test('closing waits for the commits under way; what comes after is refused', async () => {
        const other = await subject.second();
        const commits = Array.from({ length: 50 }, (_, i) =>
          other.commit({ puts: [{ key: ['late', `${i}`], value: i }] }),
        );
        const settled = Promise.allSettled(commits);
        await other.close();
        expect((await settled).filter(({ status }) => status === 'fulfilled')).toHaveLength(50);
        expect(await store.list(['late'])).toHaveLength(50);
        await expect(other.get(['late', '1'])).rejects.toMatchObject({ code: 'store_unavailable' });
        await expect(other.commit({ deletes: [['late']] })).rejects.toMatchObject({ code: 'store_unavailable' });
        await other.close();
      });
    });
  });
}
