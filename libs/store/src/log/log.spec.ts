import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteStore } from '../sqlite/sqlite.store.js';
import type { Key, Store } from '../store.js';
import { ChainedLog } from './log.js';

interface Act {
  readonly act: string;
  readonly n: number;
}

describe('ChainedLog', () => {
  const name: Key = ['audit', 'con-1'];
  let folder: string;
  let store: Store;
  let log: ChainedLog<Act>;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-log-'));
    store = await openSqliteStore({ path: join(folder, 'store.db') });
    log = new ChainedLog(store, name);
  });
  afterEach(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });
  const fill = (count: number) => Promise.all(Array.from({ length: count }, (_, n) => log.append({ act: 'kill', n })));
  const tamper = (sql: string) => {
    const db = new DatabaseSync(join(folder, 'store.db'));
    db.exec(sql);
    db.close();
  };

  test('rows are numbered from 1, read back as written, and end in the head', async () => {
    const positions = await fill(3);
    const rows = await log.read(0);
    expect(rows.map(({ seq, hash }) => ({ seq, hash }))).toEqual(positions);
    expect(rows.map(({ entry }) => entry.n)).toEqual([0, 1, 2]);
    expect(await log.head()).toEqual(positions[2]);
    expect(await log.verify()).toEqual({ ok: true, rows: 3, head: positions[2] });
  });

  test('an empty log verifies, and has a beginning of its own', async () => {
    expect(await log.verify()).toMatchObject({ ok: true, rows: 0, head: { seq: 0 } });
    const other = new ChainedLog(store, ['audit', 'con-2']);
    expect((await other.head()).hash).not.toBe((await log.head()).hash);
  });

  test('[P-7] logs whose names join to the same text are two logs', async () => {
    const other = new ChainedLog<Act>(store, ['audit:con-1']);
    await log.append({ act: 'a', n: 1 });
    expect((await other.head()).seq).toBe(0);
  });

  test.each([
    ['a changed text', `UPDATE entries SET value = replace(value, '\\"n\\":4', '\\"n\\":5')`, 5],
    ['a changed hash', `UPDATE entries SET value = replace(value, '"hash":"', '"hash":"A') WHERE cursor = 7`, 7],
    ['a dropped row', 'DELETE FROM entries WHERE cursor = 3', 3],
    ['a dropped beginning', 'DELETE FROM entries WHERE cursor <= 2', 1],
    ['a dropped end', 'DELETE FROM entries WHERE cursor >= 9', 9],
    [
      'two rows that changed places',
      'UPDATE entries SET cursor = CASE cursor WHEN 4 THEN 1006 ELSE 1004 END WHERE cursor IN (4, 6); UPDATE entries SET cursor = cursor - 1000 WHERE cursor > 1000',
      4,
    ],
    [
      'a row put on the end',
      'INSERT INTO entries SELECT stream, 11, value, 1 FROM entries WHERE cursor = 10; UPDATE streams SET head = 11',
      11,
    ],
  ])('verify names the first bad row: %s', async (_what, sql, seq) => {
    await fill(10);
    tamper(sql);
    expect(await log.verify()).toMatchObject({ ok: false, seq });
  });

  test('verify finds a whole chain that was forged anew, because the head does not fit', async () => {
    await fill(3);
    const elsewhere = await openSqliteStore({ path: ':memory:' });
    const forged = new ChainedLog<Act>(elsewhere, name);
    for (let n = 0; n < 3; n++) await forged.append({ act: 'nothing happened', n });
    const rows = await forged.read(0);
    await elsewhere.close();
    for (const { seq, hash, text } of rows)
      tamper(`UPDATE entries SET value = '${JSON.stringify({ hash, text })}' WHERE cursor = ${seq}`);
    expect(await log.verify()).toMatchObject({ ok: false, seq: 3 });
  });

  test('an entry joins another commit: both or neither', async () => {
    const latch = {
      checks: [{ key: ['latch'] as Key, version: null }],
      puts: [{ key: ['latch'] as Key, value: true }],
    };
    const first = await log.commit({ ...latch, appends: [{ stream: ['events'], value: 'latched' }] }, [
      { act: 'latch', n: 1 },
    ]);
    expect(first).toMatchObject({ ok: true, cursors: [1], rows: [{ seq: 1 }] });
    const second = await log.commit(latch, [{ act: 'latch', n: 2 }]);
    expect(second).toEqual({ ok: false, conflict: ['latch'] });
    expect((await log.head()).seq).toBe(1);
    expect(await log.verify()).toMatchObject({ ok: true });
  });

  test('commits that wait together keep their own cursors and rows, and a conflict concerns only its own', async () => {
    await store.commit({ puts: [{ key: ['taken', '7'], value: true }] });
    const results = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        log.commit(
          {
            checks: [{ key: ['taken', `${n % 20}`], version: null }],
            puts: [{ key: ['taken', `${n % 20}`], value: n }],
            appends: [{ stream: ['events'], value: n }],
          },
          [
            { act: 'first', n },
            { act: 'second', n },
          ],
        ),
      ),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(19);
    for (const [n, result] of results.entries()) {
      if (!result.ok) {
        expect(result.conflict).toEqual(['taken', `${n % 20}`]);
        continue;
      }
      const [event] = await store.read(['events'], { after: result.cursors[0]! - 1, limit: 1 });
      expect(event?.value).toBe(n);
      const rows = await log.read(result.rows[0]!.seq - 1, 2);
      expect(rows.map(({ entry }) => entry)).toEqual([
        { act: 'first', n },
        { act: 'second', n },
      ]);
    }
    expect(await log.verify()).toMatchObject({ ok: true, rows: 38 });
  });

  test('commits of one tick that write the same record follow one another', async () => {
    const commits = [1, 2, 3].map((n) => log.commit({ puts: [{ key: ['last'], value: n }] }, [{ act: 'set', n }]));
    await Promise.all([...commits, log.commit({ deletes: [['last']] }, [{ act: 'drop', n: 4 }])]);
    expect(await store.get(['last'])).toBeNull();
    expect((await log.read(0)).map(({ entry }) => entry.n)).toEqual([1, 2, 3, 4]);
  });

  test('an invalid commit among others fails alone', async () => {
    const good = [1, 2].map((n) => log.append({ act: 'good', n }));
    const bad = log.commit({ puts: [{ key: ['x'], value: () => 1 }] }, [{ act: 'bad', n: 0 }]);
    await expect(bad).rejects.toMatchObject({ code: 'invalid' });
    expect((await Promise.all(good)).map(({ seq }) => seq).toSorted()).toEqual([1, 2]);
    expect(await log.verify()).toMatchObject({ ok: true, rows: 2 });
  });

  test('a commit that writes to the log by hand is refused', async () => {
    const byHand = log.commit({ appends: [{ stream: name, value: 'forged' }] }, [{ act: 'x', n: 1 }]);
    await expect(byHand).rejects.toMatchObject({ code: 'invalid' });
    const headByHand = log.commit({ deletes: [name] }, []);
    await expect(headByHand).rejects.toMatchObject({ code: 'invalid' });
  });

  test('[L-1] two replicas that append at once make one chain with every entry', async () => {
    const replica = await openSqliteStore({ path: join(folder, 'store.db') });
    const logs = [log, new ChainedLog<Act>(replica, name)];
    const append = async (to: ChainedLog<Act>, act: string) => {
      for (let n = 0; n < 40; n++) await to.append({ act, n });
    };
    await Promise.all(logs.map((to, i) => append(to, `${i}`)));
    expect(await log.verify()).toMatchObject({ ok: true, rows: 80 });
    expect(new Set((await log.read(0)).map(({ text }) => text)).size).toBe(80);
    await replica.close();
  });

  test('a trimmed log verifies from what is left, and still finds a bad row there', async () => {
    await fill(10);
    await log.trim(6);
    expect((await log.read(0)).map(({ seq }) => seq)).toEqual([7, 8, 9, 10]);
    expect(await log.verify()).toMatchObject({ ok: true, rows: 4 });
    await log.trim(99);
    await log.trim(3);
    expect(await log.append({ act: 'more', n: 11 })).toMatchObject({ seq: 11 });
    expect(await log.verify()).toMatchObject({ ok: true, rows: 5 });
    tamper(`DELETE FROM entries WHERE cursor = 7`);
    expect(await log.verify()).toMatchObject({ ok: false, seq: 7 });
  });
});
