import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openSqliteStore, type Store } from '#store';
import { Receipts } from './receipts.js';

const con = 'AAAAAAAAAAAAAAAAAAAAAA';
const day = 86_400_000;

describe('receipts', () => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  let store: Store;
  let receipts: Receipts;
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    receipts = new Receipts(store, () => now);
  });
  afterEach(() => store.close());

  const raws = async (connection = con) => {
    const kept: string[] = [];
    for await (const { receipt } of receipts.export(connection)) kept.push(receipt.raw);
    return kept;
  };

  test('the exact strings are kept in order, and the chain over them holds', async () => {
    await receipts.record(con, [{ kind: 'command', raw: 'eyJ.command.x' }]);
    await receipts.record(con, [
      { kind: 'result', raw: 'eyJ.result.x' },
      { kind: 'refusal', raw: 'eyJ.no.x' },
    ]);
    expect(await raws()).toEqual(['eyJ.command.x', 'eyJ.result.x', 'eyJ.no.x']);
    expect(await receipts.verify(con)).toMatchObject({ ok: true, rows: 3 });
  });

  test('a receipt and the effect that it tells of are one commit', async () => {
    const effect = {
      checks: [{ key: ['effect'] as const, version: null }],
      puts: [{ key: ['effect'] as const, value: 1 }],
    };
    expect((await receipts.record(con, [{ kind: 'result', raw: 'first' }], effect)).ok).toBe(true);
    expect((await receipts.record(con, [{ kind: 'result', raw: 'second' }], effect)).ok).toBe(false);
    expect(await raws()).toEqual(['first']);
  });

  test('[F-12] the receipts of two connections never mix', async () => {
    const other = 'BBBBBBBBBBBBBBBBBBBBBA';
    await receipts.record(con, [{ kind: 'command', raw: 'ours' }]);
    await receipts.record(other, [{ kind: 'command', raw: 'theirs' }]);
    expect([await raws(), await raws(other)]).toEqual([['ours'], ['theirs']]);
  });

  test('receipts go when their time is over, and what stays still verifies', async () => {
    await receipts.record(con, [{ kind: 'command', raw: 'old' }]);
    now += 300 * day;
    await receipts.record(con, [{ kind: 'command', raw: 'young' }]);
    now += 101 * day;
    await receipts.prune();
    const [young, cut] = await receipts.list(con);
    expect([young?.receipt.raw, cut?.receipt]).toEqual(['young', expect.objectContaining({ kind: 'cut', raw: '' })]);
    expect(cut?.receipt.cut).toEqual({ n: 1, h: (await receipts.base(con)).hash, kept: [] });
    expect(await receipts.verify(con)).toMatchObject({ ok: true });
  });

  test('the event message that carried a number is found again', async () => {
    for (let seq = 1; seq <= 1_201; seq += 2) {
      await receipts.record(con, [{ kind: 'event', raw: `from ${seq}`, from: { epo: 'e', seq } }]);
    }
    expect(await receipts.eventMessage(con, 'e', 10)).toBe('from 9');
    expect(await receipts.eventMessage(con, 'other', 10)).toBeUndefined();
  });
});
