// Audit logs of a real connection: what an honest one proves, and that nobody tampers with one unnoticed.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { signJws, type AuditFinding } from '#protocol';
import { soak } from '../../../../test/support/soak.js';
import { until, type Federation } from '../session/federation.fixture.js';
import { exported, rechained, rowOf, sign, verified, work, worked, type Side } from './audit.fixture.js';

const runs = { numRuns: soak ? 1_000 : 50 };
const sides: readonly Side[] = ['hub', 'spoke'];

describe('an audit log', () => {
  let both: Federation;
  const logs = { hub: [] as string[], spoke: [] as string[] };
  /** Epoch seconds by which both had signed all their checkpoints. */
  let bothSigned = 0;
  beforeAll(async () => {
    both = await worked();
    for (const side of sides) logs[side] = await exported(both, side);
    bothSigned = nowS();
  }, 120_000);
  afterAll(() => both.end());

  const arbitrarySide = fc.constantFrom(...sides);
  /** A side, and positions of two different rows of its export. */
  const places = arbitrarySide.chain((side) => {
    const row = fc.integer({ min: 1, max: logs[side].length - 2 });
    return fc.record({ side: fc.constant(side), row, other: row });
  });
  /** Verifies the log of that side after a change. */
  const after = async (side: Side, change: (lines: string[]) => string[]) =>
    (await verified(both, change([...logs[side]]))).findings;
  const first = (findings: readonly AuditFinding[]) => findings.map(({ fault, row }) => [fault, row])[0];

  test.each(sides)(
    'of the %s verifies offline, keys exchanged in between, and says how far both vouch for it',
    async (side) => {
      const report = await verified(both, logs[side]);
      expect(report.findings).toEqual([]);
      expect(report).toMatchObject({
        ok: true,
        by: side,
        con: both.con,
        from: 1,
        rows: logs[side].length - 2,
        unproven: 0,
      });
      expect(report.checkpoints).toBeGreaterThanOrEqual(4);
      expect(report.countersignedThrough).toBeGreaterThan(10);
      expect(await verified(both, logs[side], logs[side === 'hub' ? 'spoke' : 'hub'])).toMatchObject({ ok: true });
    },
  );

  test('of other instances than the two thumbprints is refused', async () => {
    const stranger = await worked(0);
    await expect(verified(stranger, logs.hub)).rejects.toMatchObject({ code: 'key_invalid' });
    await stranger.end();
  });

  test('with a row edited names that row', async () => {
    const edit = fc.tuple(places, fc.constantFrom('at', 'raw', 'text', 'h', 'prev'), fc.nat());
    await fc.assert(
      fc.asyncProperty(edit, async ([{ side, row }, what, where]) => {
        const { n } = rowOf(logs[side][row]!);
        const findings = await after(side, (lines) => lines.with(row, edited(lines[row]!, what, where)));
        expect(first(findings)).toEqual(['edited', n]);
        expect(findings).toHaveLength(1);
      }),
      runs,
    );
  }, 120_000);

  test('with a row dropped names that row, and says when it is the end that is cut off', async () => {
    await fc.assert(
      fc.asyncProperty(places, async ({ side, row }) => {
        const { n } = rowOf(logs[side][row]!);
        const findings = await after(side, (lines) => lines.toSpliced(row, 1));
        expect(first(findings)).toEqual([row === logs[side].length - 2 ? 'cut' : 'dropped', n]);
      }),
      runs,
    );
  }, 120_000);

  test('with a row added, a copy or one of another log, names it', async () => {
    const added = fc.tuple(places, arbitrarySide, fc.nat());
    await fc.assert(
      fc.asyncProperty(added, async ([{ side, row }, from, pick]) => {
        const foreign = logs[from][1 + (pick % (logs[from].length - 2))]!;
        const findings = await after(side, (lines) => lines.toSpliced(row, 0, foreign));
        expect(findings[0]?.fault).toBe('added');
        expect(findings).toHaveLength(1);
        expect([row + 1, row + 2]).toContain(findings[0]?.line);
      }),
      runs,
    );
  }, 120_000);

  test('with two rows swapped names one of them', async () => {
    await fc.assert(
      fc.asyncProperty(
        places.filter(({ row, other }) => row !== other),
        async ({ side, row, other }) => {
          const [a, b] = [logs[side][row]!, logs[side][other]!];
          const findings = await after(side, (lines) => lines.with(row, b).with(other, a));
          expect(findings[0]?.fault).toBe('swapped');
          expect(findings.every(({ fault }) => fault === 'swapped')).toBe(true);
          expect([row + 1, other + 1]).toContain(findings[0]?.line);
        },
      ),
      runs,
    );
  }, 120_000);

  test('cut off at any row says so', async () => {
    await fc.assert(
      fc.asyncProperty(places, fc.boolean(), async ({ side, row }, keepEnd) => {
        const findings = await after(side, (lines) => [...lines.slice(0, row), ...(keepEnd ? lines.slice(-1) : [])]);
        expect(first(findings)).toEqual(['cut', row]);
      }),
      runs,
    );
  }, 120_000);

  test('is never believed after a change by somebody who makes the whole chain anew', async () => {
    const how = fc.constantFrom('drop', 'swap', 'copy', 'at');
    await fc.assert(
      fc.asyncProperty(places, how, async ({ side, row, other }, what) => {
        fc.pre(what !== 'swap' || logs[side][row] !== logs[side][other]);
        const findings = await after(side, (lines) => rechained(changed(lines, row, other, what)));
        expect(findings.length).toBeGreaterThan(0);
        expect(['dropped', 'edited', 'added', 'cut']).toContain(findings[0]?.fault);
      }),
      runs,
    );
  }, 120_000);

  test('is not even believed when its own side makes it anew and signs the end again: what both signed stands against it', async () => {
    await fc.assert(
      fc.asyncProperty(places, fc.constantFrom('drop', 'copy', 'at'), async ({ side, row }, what) => {
        const through = (await verified(both, logs[side])).countersignedThrough;
        // A copy changes what comes after the row that it repeats.
        fc.pre(rowOf(logs[side][row]!).n + (what === 'copy' ? 1 : 0) <= through);
        const lines = resigned(both, side, rechained(changed(logs[side], row, row, what)));
        expect((await verified(both, lines)).ok).toBe(false);
      }),
      { numRuns: runs.numRuns / 2 },
    );
  }, 120_000);

  test('that its own side shortened and signed anew is caught by what the other side keeps, with both tokens', async () => {
    await until('another second than that of the last checkpoint', () => nowS() > bothSigned);
    for (const side of sides) {
      const at = logs[side].findLastIndex((line) => line.includes('"text"') && kindOf(line) === 'keys') + 1;
      const short = resigned(both, side, logs[side].toSpliced(at, logs[side].length - 1 - at));
      expect(await verified(both, short)).toMatchObject({ ok: true, through: at - 1 });
      const report = await verified(both, short, logs[side === 'hub' ? 'spoke' : 'hub']);
      expect(report.findings[0]).toMatchObject({ fault: 'cut', row: at, evidence: [expect.anything(), endOf(short)] });
    }
  });

  test('that is exported before the other side’s is no shorter for it: both hold, and the earlier one is said to be that', async () => {
    const con = await worked(1);
    for (const [early, late] of [sides, [...sides].reverse()] as [Side, Side][]) {
      const before = await exported(con, early);
      await work(con, `after-${early}`);
      await sign(con);
      const [after, again] = [await exported(con, late), await exported(con, early)];
      const last = rowOf(before.at(-2)!).n;
      for (const [lines, witness] of [
        [before, after],
        [before, again],
      ] as const) {
        const report = await verified(con, lines, witness);
        expect(report).toMatchObject({ ok: true, findings: [], through: last });
        expect(report.later!.n).toBeGreaterThan(last);
        expect(await verified(con, witness, lines)).toMatchObject({ ok: true, findings: [] });
      }
      const other = before.with(-2, edited(before.at(-2)!, 'text', 9));
      expect((await verified(con, other, again)).findings[0]).toMatchObject({ fault: 'edited', row: last });
      const anew = resigned(con, early, rechained(changed(before, 3, 3, 'at')));
      expect((await verified(con, anew, again)).ok).toBe(false);
    }
    await con.end();
  }, 120_000);

  test('two results that the spoke signed for one command are equivocation, with both tokens', async () => {
    const at = logs.hub.findIndex((line) => line.includes('"text"') && kindOf(line) === 'result');
    const result = rawOf(logs.hub[at]!);
    const claims = claimsOf(result) as { results: { body: object }[]; iat: number };
    claims.results[0]!.body = { agentId: 'another' };
    const key = both.spoke.identity.signing;
    const other = signJws('writ-res+jws', { ...claims, iat: Math.floor(Date.now() / 1_000) }, key);
    const row = (await exported(both, 'hub')).at(-2)!;
    await both.hub.receipts.record(both.con, [{ kind: 'result', raw: other }]);
    const report = await verified(both, await exported(both, 'hub'));
    expect(report.findings).toEqual([
      expect.objectContaining({ fault: 'equivocation', row: rowOf(row).n + 1, evidence: [result, other] }),
    ]);
  });
});

test('rows that were let go are told by a row, and what is left verifies; without that row they were dropped', async () => {
  const both = await worked(1);
  const { receipts } = both.hub;
  await receipts.pruneBefore(both.con, Date.now());
  await work(both, 'later');
  await sign(both);
  const lines = await exported(both, 'hub');
  const report = await verified(both, lines);
  expect(report).toMatchObject({ ok: true, findings: [] });
  expect(report.from).toBeGreaterThan(10);
  const cut = lines.findIndex((line) => line.includes('"text"') && kindOf(line) === 'cut');
  const without = await verified(both, lines.toSpliced(cut, 1));
  expect(without.findings.map(({ fault, row }) => [fault, row])).toContainEqual(['dropped', 1]);
  await both.end();
}, 120_000);

test('[F-1] a key that was revoked proves nothing afterwards; what both sides had vouched for before still counts', async () => {
  const both = await worked(1);
  const stolen = both.hub.identity.signing;
  await sign(both);
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await work(both, 'uncovered');
  both.hub.identity.revoke(stolen.kid);
  both.hub.peers.stateKeys();
  await work(both, 'after');
  const report = await verified(both, await exported(both, 'spoke'));
  expect(report.ok).toBe(true);
  expect(report.unproven).toBeGreaterThan(0);
  const later = Math.floor(Date.now() / 1_000) + 2;
  const about = { v: 1, iss: both.hub.identity.id, aud: both.spoke.identity.id, con: both.con };
  const claims = { ...about, jti: 'A'.repeat(22), iat: later, epo: 'A'.repeat(22), seq: 0, h: 'A'.repeat(43) };
  await both.spoke.receipts.record(both.con, [{ kind: 'ack', raw: signJws('writ-ack+jws', claims, stolen) }]);
  const forged = await verified(both, await exported(both, 'spoke'));
  expect(forged.findings).toEqual([
    expect.objectContaining({ fault: 'forged', detail: expect.stringContaining('revoked') }),
  ]);
  await both.end();
}, 120_000);

function edited(line: string, what: string, where: number): string {
  const row = rowOf(line);
  const text = JSON.parse(row.text) as { raw: string; at: string };
  const flip = (value: string) => {
    const at = where % value.length;
    return `${value.slice(0, at)}${value[at] === 'B' ? 'C' : 'B'}${value.slice(at + 1)}`;
  };
  if (what === 'h')
    return JSON.stringify({ ...row, h: `A${row.h.slice(1)}` === row.h ? `B${row.h.slice(1)}` : `A${row.h.slice(1)}` });
  if (what === 'prev')
    return JSON.stringify({
      ...row,
      prev: row.prev.startsWith('A') ? `B${row.prev.slice(1)}` : `A${row.prev.slice(1)}`,
    });
  if (what === 'text') return JSON.stringify({ ...row, text: flip(row.text) });
  if (what === 'raw') return JSON.stringify({ ...row, text: JSON.stringify({ ...text, raw: flip(text.raw) }) });
  return JSON.stringify({ ...row, text: JSON.stringify({ ...text, at: '2020-01-01T00:00:00.000Z' }) });
}

function changed(lines: readonly string[], row: number, other: number, what: string): string[] {
  const [a, b] = [lines[row]!, lines[other]!];
  if (what === 'drop') return lines.toSpliced(row, 1);
  if (what === 'copy') return lines.toSpliced(row, 0, a);
  if (what === 'swap') return lines.with(row, b).with(other, a);
  return lines.with(row, edited(a, 'at', 0));
}

/** The end signed anew over what the file now holds, by the keys of that side. */
function resigned(both: Federation, side: Side, lines: readonly string[]): string[] {
  const { n, h } = rowOf(lines.at(-2)!);
  const peer = side === 'hub' ? both.atHub : both.atSpoke;
  return lines.with(-1, JSON.stringify({ end: { n, h }, checkpoint: peer.sealCheckpoint({ n, h }).raw }));
}

const nowS = () => Math.floor(Date.now() / 1_000);

function endOf(lines: readonly string[]): string {
  return (JSON.parse(lines.at(-1)!) as { checkpoint: string }).checkpoint;
}

function rawOf(line: string): string {
  return (JSON.parse(rowOf(line).text) as { raw: string }).raw;
}

function kindOf(line: string): string {
  return (JSON.parse(rowOf(line).text) as { kind: string }).kind;
}

function claimsOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString());
}
