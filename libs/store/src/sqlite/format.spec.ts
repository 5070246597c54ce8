// Formats old and new: kept stores of older formats, and stores of versions that this one has never heard of.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmod, copyFile, cp, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { ChainedLog } from '../log/log.js';
import { Leases } from '../lease.js';
import { type Formats, formats } from './format.js';
import { openSqliteFile, openSqliteStore } from './sqlite.store.js';

const fixtures = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const clock = () => 1_700_000_000_000;

/** What a later version might know: two steps on, values moved into an envelope, then a new table. */
const later: Formats = {
  current: formats.current + 2,
  create: (db) => formats.create(db),
  migrations: [
    ...formats.migrations,
    {
      to: formats.current + 1,
      run: (db) =>
        db.exec(`UPDATE records SET value = json_object('moved', json(value)), format = ${formats.current + 1}`),
    },
    { to: formats.current + 2, run: (db) => db.exec('CREATE TABLE notes (text TEXT) STRICT') },
  ],
};
const failing: Formats = {
  ...later,
  migrations: [
    ...later.migrations.slice(0, -1),
    { to: later.current, run: (db) => db.exec('CREATE TABLE records (x)') },
  ],
};

describe('formats of the SQLite store', () => {
  let folder: string;
  let path: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-format-'));
    path = join(folder, 'store.db');
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** Names and bytes of every file of the store, the shared-memory index of SQLite left out. */
  const bytes = async (): Promise<Record<string, string>> => {
    const names = (await readdir(folder)).filter((name) => !name.endsWith('-shm'));
    const contents = await Promise.all(
      names.map(async (name) => [name, (await readFile(join(folder, name))).toString('hex')]),
    );
    return Object.fromEntries(contents) as Record<string, string>;
  };

  test('a store of a newer format is refused and not one byte of it is changed', async () => {
    await (await openSqliteFile({ path }, later)).close();
    const before = await bytes();
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'store_format' });
    expect(await bytes()).toEqual(before);
  });

  test('a newer format that a crash left in the write-ahead log alone is refused and not changed either', async () => {
    await (await openSqliteStore({ path })).close();
    const crashed = await openSqliteFile({ path }, later);
    const elsewhere = await mkdtemp(join(tmpdir(), 'writ-format-'));
    await cp(folder, elsewhere, { recursive: true });
    await crashed.close();
    await rm(folder, { recursive: true });
    await cp(elsewhere, folder, { recursive: true });
    await rm(elsewhere, { recursive: true });

    const before = await bytes();
    expect(before['store.db-wal']?.length).toBeGreaterThan(0);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'store_format' });
    expect(await bytes()).toEqual(before);
    await (await openSqliteFile({ path }, later)).close();
  });

  test.each([
    ['text', async (file: string) => writeFile(file, 'Dear diary, today I was nearly a database.')],
    ['a database of another program', async (file: string) => makeDatabase(file, 'PRAGMA application_id = 7')],
    ['a database without a mark', async (file: string) => makeDatabase(file, 'PRAGMA application_id = 0')],
  ])('a file that is %s is refused and not changed', async (_what, make) => {
    await make(path);
    await chmod(path, 0o600);
    const before = await bytes();
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'store_format' });
    expect(await bytes()).toEqual(before);
  });

  test('the kept store of format 1 opens today with everything in it', async () => {
    await copyFile(join(fixtures, 'format-1.db'), path);
    const store = await openSqliteStore({ path, clock });
    expect((await store.list(['agents'])).map(({ key, value }) => ({ key, value }))).toEqual([
      { key: ['agents', 'a', '1'], value: { state: 'killed', taskId: null } },
      { key: ['agents', 'a:1'], value: { state: 'running', taskId: 'mend the röster' } },
    ]);
    expect(await store.get(['replay', 'con', 'jti'])).toMatchObject({ value: true });
    expect((await store.read(['events', 'local'], { after: 0 })).map(({ cursor }) => cursor)).toEqual([2, 3]);
    expect(await new ChainedLog(store, ['audit', 'local']).verify()).toMatchObject({ ok: true, rows: 1 });
    const leases = new Leases(store, { ttlMs: 1_000 });
    expect(await leases.acquire(['lease', 'journal'], 'replica-2')).toBeNull();
    expect(await store.commit({ appends: [{ stream: ['events', 'local'], value: 4 }] })).toMatchObject({
      cursors: [4],
    });
    await store.close();
  });

  test('migrations run in order over a kept store, and the version before then refuses it', async () => {
    await copyFile(join(fixtures, 'format-1.db'), path);
    const store = await openSqliteFile({ path, clock }, later);
    expect(await store.get(['agents', 'a:1'])).toMatchObject({
      value: { moved: { state: 'running', taskId: 'mend the röster' } },
    });
    expect(await store.head(['events', 'local'])).toBe(3);
    await store.commit({ puts: [{ key: ['new'], value: 1 }] });
    await store.close();
    expect(rows('SELECT DISTINCT format FROM records ORDER BY format')).toEqual([{ format: 2 }, { format: 3 }]);
    expect(rows('SELECT name FROM sqlite_schema WHERE name = ?', 'notes')).toHaveLength(1);
    await expect(openSqliteStore({ path })).rejects.toMatchObject({ code: 'store_format' });

    const again = await openSqliteFile({ path, clock }, later);
    expect(await again.get(['agents', 'a:1'])).toMatchObject({ value: { moved: { state: 'running' } } });
    await again.close();
  });

  test('a migration that fails half-way leaves the old store whole', async () => {
    await copyFile(join(fixtures, 'format-1.db'), path);
    const before = (await bytes())['store.db'];
    await expect(openSqliteFile({ path, clock }, failing)).rejects.toMatchObject({ code: 'store_unavailable' });
    expect((await bytes())['store.db']).toBe(before);
    const store = await openSqliteStore({ path, clock });
    expect(await store.get(['agents', 'a:1'])).toMatchObject({ value: { state: 'running' } });
    await store.close();
  });

  test('every record and every entry of a stream carries the format it was written in', async () => {
    const store = await openSqliteStore({ path });
    await store.commit({ puts: [{ key: ['k'], value: 1 }], appends: [{ stream: ['s'], value: 1 }] });
    await store.close();
    expect(rows('SELECT format FROM records UNION ALL SELECT format FROM entries')).toEqual([
      { format: 1 },
      { format: 1 },
    ]);
  });

  test('the file and its side files are the owner’s alone, and so is a folder that the store makes', async () => {
    const inner = join(folder, 'data', 'spoke', 'store.db');
    const store = await openSqliteStore({ path: inner });
    await store.commit({ puts: [{ key: ['k'], value: 1 }] });
    for (const suffix of ['', '-wal', '-shm']) expect((await stat(inner + suffix)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'data'))).mode & 0o777).toBe(0o700);
    expect((await stat(join(folder, 'data', 'spoke'))).mode & 0o777).toBe(0o700);
    await store.close();
  });

  test('a file that others could read is closed to them', async () => {
    await writeFile(path, '', { mode: 0o644 });
    await (await openSqliteStore({ path })).close();
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('a store that was copied back or wiped starts a new incarnation, one that was only reopened does not', async () => {
    const incarnation = async () => {
      const store = await openSqliteStore({ path });
      await store.close();
      return store.incarnation;
    };
    const first = await incarnation();
    expect(await incarnation()).toBe(first);
    await copyFile(path, `${path}.backup`);
    await rm(path);
    await copyFile(`${path}.backup`, path);
    const restored = await incarnation();
    expect(restored).not.toBe(first);
    expect(await incarnation()).toBe(restored);
    await rm(path);
    expect(await incarnation()).not.toBe(restored);
  });

  test('a file is synced at every commit, memory is not', async () => {
    const [file, memory] = await Promise.all([openSqliteStore({ path }), openSqliteStore({ path: ':memory:' })]);
    expect(await file.durability()).toEqual({ synced: true });
    expect(await memory.durability()).toMatchObject({ synced: false });
    await Promise.all([file.close(), memory.close()]);
  });

  test('a path that cannot be opened is named as unavailable', async () => {
    await expect(openSqliteStore({ path: folder })).rejects.toMatchObject({ code: 'store_unavailable' });
  });

  function rows(sql: string, ...parameters: string[]): Record<string, unknown>[] {
    const db = new DatabaseSync(path);
    try {
      return db
        .prepare(sql)
        .all(...parameters)
        .map((row) => ({ ...row }));
    } finally {
      db.close();
    }
  }
});

async function makeDatabase(file: string, sql: string): Promise<void> {
  const db = new DatabaseSync(file);
  db.exec(`CREATE TABLE theirs (x); ${sql}`);
  db.close();
  return Promise.resolve();
}
