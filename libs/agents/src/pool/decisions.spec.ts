import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decide, leastRecent, leavingOf, outOfTime, type Seat, type SeatState } from './decisions.js';
import { TupleMap } from './tuple-map.js';

const states: SeatState[] = ['opening', 'leased', 'idle', 'probing', 'closing', 'quarantined'];
const time = fc.integer({ min: 0, max: 1_000 });
const seat: fc.Arbitrary<Seat> = fc.record({ state: fc.constantFrom(...states), touchedAtMs: time, busyUntilMs: time });
const seats = fc.array(seat, { maxLength: 12 });
const max = fc.integer({ min: 1, max: 12 });

describe('the decisions of the pool', () => {
  test('[P-4] one more is made only below the cap, and whoever will not die counts', () => {
    fc.assert(
      fc.property(seats, max, time, fc.nat(3), (all, most, now, leaving) => {
        const verdict = decide(all, { own: undefined, isStale: false, leaving, max: most }, now);
        expect(verdict.kind === 'create').toBe(all.length < most);
      }),
    );
  });

  test('[P-2] [P-5] only what is idle and was not found at work is ever let go, the least recent first', () => {
    fc.assert(
      fc.property(seats, max, time, (all, most, now) => {
        const verdict = decide(all, { own: undefined, isStale: false, leaving: 0, max: most }, now);
        const free = all.filter(({ state, busyUntilMs }) => state === 'idle' && busyUntilMs <= now);
        if (verdict.kind === 'evict') expect(free).toContain(verdict.seat);
        if (verdict.kind === 'evict')
          for (const one of free) expect(one.touchedAtMs).toBeGreaterThanOrEqual(verdict.seat.touchedAtMs);
        if (verdict.kind === 'wait') expect(free).toEqual([]);
        expect(leastRecent(all, now) === undefined).toBe(free.length === 0);
      }),
    );
  });

  test('[P-1] what somebody else made under the same key goes first, and what is busy is waited for', () => {
    fc.assert(
      fc.property(seats, seat, max, time, fc.boolean(), (others, own, most, now, isStale) => {
        const { kind } = decide([...others, own], { own, isStale, leaving: 0, max: most }, now);
        expect(kind).toBe(own.state !== 'idle' ? 'wait' : isStale ? 'replace' : 'reuse');
      }),
    );
  });

  test('[P-10] time that stands still or goes back lets nobody go', () => {
    fc.assert(
      fc.property(seats, time, fc.integer({ min: 1, max: 500 }), (all, now, idleMs) => {
        for (const one of outOfTime(all, now, idleMs)) expect(now - one.touchedAtMs).toBeGreaterThanOrEqual(idleMs);
        expect(outOfTime(all, -1, idleMs)).toEqual([]);
        expect(leavingOf(all)).toBe(all.filter(({ state }) => state === 'probing' || state === 'closing').length);
      }),
    );
  });

  test('[P-7] different owners, sessions and agents never meet, whatever their names', () => {
    const name = fc.string({ unit: fc.constantFrom('a', ':', '/', '"', ','), maxLength: 4 });
    const key = fc.record({ owner: name, session: name, agentId: name });
    fc.assert(
      fc.property(
        fc.uniqueArray(key, { selector: (one) => JSON.stringify([one.owner, one.session, one.agentId]) }),
        (keys) => {
          const map = new TupleMap<number>();
          for (const [n, one] of keys.entries()) map.set(one, n);
          expect(keys.map((one) => map.get(one))).toEqual(keys.map((_, n) => n));
          for (const one of keys) map.delete(one);
          expect([map.size, ...map.values()]).toEqual([0]);
        },
      ),
    );
  });
});
