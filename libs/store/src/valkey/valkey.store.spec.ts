// What only the shared adapter has to stand: a server that is away, hangs, forgets, or holds a newer format.
import { afterEach, beforeEach, describe, expect } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { redisRequirement, type RedisServer, startRedis } from '../../../../test/support/redis.js';
import { requirement } from '../../../../test/support/require.js';
import { until } from '../../../../test/support/until.js';
import { Leases } from '../lease.js';
import { ChainedLog } from '../log/log.js';
import type { Store } from '../store.js';
import { type ValkeyFormats, valkeyFormats } from './scripts.js';
import { openValkey, openValkeyStore } from './valkey.store.js';

const test = requirement(...redisRequirement);
const prefix = 'writ';
const fixture = fileURLToPath(new URL('../../fixtures/format-1.valkey.json', import.meta.url));

/** What a later version might know. */
const later: ValkeyFormats = {
  current: valkeyFormats.current + 2,
  migrations: [
    ...valkeyFormats.migrations,
    {
      to: valkeyFormats.current + 1,
      lua: `
        for _, key in ipairs(redis.call('ZRANGE', index, '0', '-1')) do
          local name = '{${prefix}}:r:' .. key
          local record = redis.call('GET', name)
          if record then redis.call('SET', name, string.gsub(record, '^%d+:(%d+):(.*)$', '2:%1:{"moved":%2}'), 'KEEPTTL') end
        end`,
    },
    { to: valkeyFormats.current + 2, lua: `redis.call('HSET', meta, 'note', 'later')` },
  ],
};

describe('Store on Valkey when the server misbehaves', () => {
  let server: RedisServer;
  let admin: Redis;
  let stores: Store[];
  const start = async (synced: boolean) => {
    server = await startRedis({ synced });
    admin = new Redis(server.url, { lazyConnect: true });
    admin.on('error', () => undefined);
  };
  const open = async (timeoutMs = 2_000, formats = valkeyFormats) => {
    const store = await openValkey({ url: server.url, prefix, timeoutMs }, formats);
    stores.push(store);
    return store;
  };
  /** Every key of the server with what it holds. */
  const dump = async (): Promise<Record<string, string>> => {
    const keys = (await admin.keys('*')).toSorted();
    const rows = await Promise.all(keys.map(async (key) => [key, (await admin.dumpBuffer(key)).toString('hex')]));
    return Object.fromEntries(rows) as Record<string, string>;
  };
  const restoreFixture = async () => {
    const rows = JSON.parse(await readFile(fixture, 'utf8')) as { key: string; ttlMs: number; dump: string }[];
    for (const row of rows) await admin.restore(row.key, row.ttlMs, Buffer.from(row.dump, 'base64'));
  };
  beforeEach(() => {
    stores = [];
  });
  afterEach(async () => {
    server.resume();
    await Promise.all(stores.map((store) => store.close()));
    admin.disconnect();
    await server.dispose();
  });

  test('[L-2] opening says within its time-out that no server is there', async () => {
    await start(false);
    await server.kill();
    const began = performance.now();
    await expect(open(300)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(performance.now() - began).toBeLessThan(3_000);
  });

  test('[L-2] a server that hangs holds no call longer than the time-out, and everything goes on when it comes back', async () => {
    await start(true);
    const store = await open(300);
    await store.commit({ puts: [{ key: ['k'], value: 1 }] });
    server.pause();
    const began = performance.now();
    const calls = [
      store.get(['k']),
      store.commit({ puts: [{ key: ['k'], value: 2 }] }),
      store.list(['k']),
      store.now(),
    ];
    for (const call of await Promise.allSettled(calls))
      expect(call).toMatchObject({ status: 'rejected', reason: { code: 'store_unavailable' } });
    expect(performance.now() - began).toBeLessThan(3_000);
    server.resume();
    await until('an answer', () => store.get(['k']).catch(() => null));
  });

  test('[L-3] [L-4] after the server was killed with commits in flight every acknowledged one is there, and every one is whole', async () => {
    await start(true);
    const store = await open();
    const { incarnation } = store;
    const acknowledged: number[] = [];
    let next = 0;
    const commitOn = async () => {
      for (;;) {
        const n = ++next;
        const result = await store.commit({
          puts: [{ key: ['done', `${n}`], value: n }],
          appends: [{ stream: ['s'], value: n }],
        });
        if (result.ok) acknowledged.push(n);
      }
    };
    const flood = Array.from({ length: 32 }, () =>
      expect(commitOn()).rejects.toMatchObject({ code: 'store_unavailable' }),
    );
    await until('commits', () => acknowledged.length > 200);
    await server.kill();
    await Promise.all(flood);
    await server.start();

    const values: number[] = [];
    await until('the server', () => store.now().catch(() => null));
    for (let page; (page = await store.read<number>(['s'], { after: values.length })).length > 0;)
      values.push(...page.map(({ value }) => value));
    expect(await store.head(['s'])).toBe(values.length);
    for (const n of values) expect(await store.get(['done', `${n}`])).not.toBeNull();
    const known = new Set(values);
    expect(acknowledged.filter((n) => !known.has(n))).toEqual([]);
    expect(store.incarnation).toBe(incarnation);
    expect((await store.commit({ appends: [{ stream: ['s'], value: 'after' }] })).ok).toBe(true);
  });

  test('a server that may have forgotten starts a new incarnation, and no commit of the old life gets into the new one', async () => {
    await start(false);
    const [store, replica] = [await open(), await open()];
    const { incarnation } = store;
    await store.commit({ puts: [{ key: ['session'], value: 1 }] });
    await server.kill();
    const old = store.commit({ checks: [{ key: ['replay'], version: null }], puts: [{ key: ['replay'], value: 1 }] });
    const refused = expect(old).rejects.toMatchObject({ code: 'store_unavailable' });
    await server.start();
    await refused;
    await until('the new life', () => store.incarnation !== incarnation);
    expect(await store.get(['replay'])).toBeNull();
    await until('the other replica', () => replica.incarnation === store.incarnation);
    expect((await replica.commit({ puts: [{ key: ['new'], value: 1 }] })).ok).toBe(true);
  });

  test('a wiped server starts a new incarnation; the first commit fails rather than pass checks on nothing', async () => {
    await start(true);
    const store = await open();
    const { incarnation } = store;
    const before = await store.commit({ puts: [{ key: ['k'], value: 1 }] });
    await admin.flushall();
    const blind = store.commit({ checks: [{ key: ['jti'], version: null }], puts: [{ key: ['jti'], value: 1 }] });
    await expect(blind).rejects.toMatchObject({ code: 'store_unavailable' });
    expect(await store.get(['jti'])).toBeNull();
    expect(store.incarnation).not.toBe(incarnation);
    const after = await store.commit({ puts: [{ key: ['k'], value: 1 }] });
    expect(after).toMatchObject({ ok: true });
    expect(after).not.toEqual(before);
  });

  test('a watch outlasts a restart of the server without loss or double', async () => {
    await start(true);
    const [store, writer] = [await open(500), await open(500)];
    const seen: number[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const { cursor } of store.watch(['s'], 0, stop.signal)) seen.push(cursor);
    })();
    await writer.commit({ appends: [{ stream: ['s'], value: 1 }] });
    await until('the first entry', () => seen.length === 1);
    await server.kill();
    await server.start();
    await until('a second commit', () => writer.commit({ appends: [{ stream: ['s'], value: 2 }] }).catch(() => null));
    const head = await writer.head(['s']);
    await until('the entries after the restart', () => seen.length >= head);
    stop.abort();
    await watching;
    expect(seen).toEqual(Array.from({ length: head }, (_, i) => i + 1));
  });

  test('a watch does not go on from one life of the data into the next', async () => {
    await start(true);
    const store = await open();
    await store.commit({ appends: [{ stream: ['s'], value: 1 }] });
    const watching = (async () => {
      for await (const { value } of store.watch(['s'], 1, new AbortController().signal)) return value;
      return undefined;
    })();
    const refused = expect(watching).rejects.toMatchObject({ code: 'store_unavailable' });
    await admin.flushall();
    await refused;
  });

  test('only a server that syncs every command is told to be durable; otherwise the reason names the setting', async () => {
    await start(true);
    const store = await open();
    expect(await store.durability()).toEqual({ synced: true });
    await admin.config('SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru');
    expect(await store.durability()).toMatchObject({ synced: false, reason: expect.stringContaining('noeviction') });
    await admin.config('SET', 'appendfsync', 'everysec');
    expect(await store.durability()).toMatchObject({
      synced: false,
      reason: expect.stringContaining('appendfsync always'),
    });
    await admin.config('SET', 'appendonly', 'no');
    expect(await store.durability()).toMatchObject({
      synced: false,
      reason: expect.stringContaining('appendonly yes'),
    });
  });

  test('a store of a newer format is refused and nothing of it is changed', async () => {
    await start(true);
    await (await open(2_000, later)).commit({ puts: [{ key: ['k'], value: 1 }] });
    const before = await dump();
    await expect(open()).rejects.toMatchObject({ code: 'store_format' });
    expect(await dump()).toEqual(before);
  });

  test('a replica of the old version stops when a newer one has moved the store on', async () => {
    await start(true);
    const old = await open(500);
    await old.commit({ puts: [{ key: ['k'], value: 1 }] });
    await server.kill();
    await server.start();
    await (await open(2_000, later)).get(['k']);
    const before = await dump();
    await server.kill();
    await server.start();
    await until('the refusal', () =>
      old.now().catch((error: unknown) => (error as { code: string }).code === 'store_format'),
    );
    expect((await dump())['{writ}:index']).toBe(before['{writ}:index']);
  });

  test('the kept store of format 1 opens today with everything in it', async () => {
    await start(true);
    await restoreFixture();
    const store = await open();
    expect((await store.list(['agents'])).map(({ key, value }) => ({ key, value }))).toEqual([
      { key: ['agents', 'a', '1'], value: { state: 'killed', taskId: null } },
      { key: ['agents', 'a:1'], value: { state: 'running', taskId: 'mend the röster' } },
    ]);
    expect(await store.get(['replay', 'con', 'jti'])).toMatchObject({ value: true });
    expect((await store.read(['events', 'local'], { after: 0 })).map(({ cursor }) => cursor)).toEqual([2, 3]);
    expect(await new ChainedLog(store, ['audit', 'local']).verify()).toMatchObject({ ok: true, rows: 1 });
    expect(await new Leases(store, { ttlMs: 1_000 }).acquire(['lease', 'journal'], 'replica-2')).toBeNull();
    expect(await store.commit({ appends: [{ stream: ['events', 'local'], value: 4 }] })).toMatchObject({
      cursors: [4],
    });
  });

  test('migrations run in order over a kept store, once', async () => {
    await start(true);
    await restoreFixture();
    const store = await open(2_000, later);
    const moved = { moved: { state: 'running', taskId: 'mend the röster' } };
    expect(await store.get(['agents', 'a:1'])).toMatchObject({ value: moved });
    expect(await admin.hmget('{writ}:meta', 'format', 'note')).toEqual(['3', 'later']);
    expect(await (await open(2_000, later)).get(['agents', 'a:1'])).toMatchObject({ value: moved });
  });

  test('every record and every entry carries its format, and every key lies in the slot of its store', async () => {
    await start(true);
    const store = await open();
    await store.commit({ puts: [{ key: ['k'], value: 1, ttlMs: 60_000 }], appends: [{ stream: ['s'], value: 'x' }] });
    for (const key of await admin.keys('*')) expect(key.startsWith('{writ}:')).toBe(true);
    expect(await admin.get('{writ}:r:k\0')).toMatch(/^1:\d+:1$/);
    expect(await admin.xrange('{writ}:s:s\0', '-', '+')).toEqual([['1-0', ['1', '"x"']]]);
  });

  test('stores of two prefixes on one server do not see each other', async () => {
    await start(true);
    const store = await open();
    const other = await openValkeyStore({ url: server.url, prefix: 'writ:r' });
    stores.push(other);
    await store.commit({ puts: [{ key: ['k'], value: 1 }], appends: [{ stream: ['s'], value: 1 }] });
    expect(await other.get(['k'])).toBeNull();
    expect(await other.head(['s'])).toBe(0);
    expect(other.incarnation).not.toBe(store.incarnation);
  });

  test('a prefix that could leave its hash tag is refused', async () => {
    await start(true);
    await expect(openValkeyStore({ url: server.url, prefix: 'a}b' })).rejects.toMatchObject({ code: 'invalid' });
  });

  test('what has expired is swept out of the index by later commits', async () => {
    await start(true);
    const store = await open();
    for (let i = 0; i < 30; i++) await store.commit({ puts: [{ key: ['jti', `${i}`], value: true, ttlMs: 1 }] });
    await until('an empty index', async () => {
      await store.commit({ puts: [{ key: ['last'], value: true, ttlMs: 60_000 }] });
      return (await admin.zcard('{writ}:index')) === 1;
    });
    expect(await admin.zcard('{writ}:expiry')).toBe(1);
  });
});
