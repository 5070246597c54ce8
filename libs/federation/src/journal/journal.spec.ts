import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { chainOver, chainStart } from '#protocol';
import { Leases } from '#store';
import { BothEnds, outputEvent, stateEvent, type Fate } from './journal.fixture.js';
import type { EventBatch } from './position.js';

const fates: readonly Fate[] = [
  'arrives',
  'arrives twice',
  'is held up',
  'is overtaken',
  'loses its ack',
  'cuts the link',
];

type Step = { append: number } | { session: readonly Fate[] } | { restart: 'spoke' | 'hub' };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ append: fc.integer({ min: 1, max: 400 }) }),
  fc.record({ session: fc.array(fc.constantFrom(...fates), { maxLength: 6 }) }),
  fc.record({ restart: fc.constantFrom('spoke' as const, 'hub' as const) }),
);

async function play(ends: BothEnds, steps: readonly Step[]): Promise<string[]> {
  const written: string[] = [];
  for (const one of steps) {
    if ('session' in one) await ends.session(one.session);
    else if ('restart' in one) await (one.restart === 'spoke' ? ends.restartSpoke() : ends.restartHub());
    else {
      const events = Array.from({ length: one.append }, (_, index) => JSON.stringify({ n: written.length + index }));
      await ends.append(events);
      written.push(...events);
    }
  }
  return written;
}

describe('a journal and its inbox', () => {
  let ends: BothEnds;
  beforeEach(async () => {
    ends = await BothEnds.open({ heartbeatMs: 60_000 });
  });
  afterEach(() => ends.close());

  test('[L-10] [O-2] whatever is lost, doubled, cut or restarted, the hub ends with each event once and in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const own = await BothEnds.open({ heartbeatMs: 3 });
        try {
          const written = await play(own, steps);
          await own.settle();
          expect(await own.events()).toEqual(written);
          expect(await own.hubAlarms.list()).toEqual([]);
          expect(await own.spokeAlarms.list()).toEqual([]);
        } finally {
          await own.close();
        }
      }),
      { numRuns: 20 },
    );
  });

  test('[O-2] what was acknowledged over an earlier link while this one began is not numbered a second time', async () => {
    await ends.append(['"one"']);
    const late = ends.link();
    await late.next();
    const { value: held } = (await late.next()) as { value: EventBatch };
    await late.return(undefined);
    const now = ends.link();
    await now.next();
    await ends.journal.acknowledged(ends.con, await ends.inbox.accept(ends.con, held, ends.rawOf(held)), 'late');
    await ends.append(['"two"']);
    const { value: next } = (await now.next()) as { value: EventBatch };
    expect(next).toMatchObject({ seq: 2, events: ['"two"'] });
    await ends.inbox.accept(ends.con, next, ends.rawOf(next));
    await now.return(undefined);
    expect(await ends.events()).toEqual(['"one"', '"two"']);
    expect(await ends.hubAlarms.list()).toEqual([]);
  });

  test('regrouping changes no chain value: the hub ends at the value that the events alone make', async () => {
    const events = Array.from({ length: 400 }, (_, n) => JSON.stringify({ n }));
    await ends.append(events);
    await ends.append(events);
    await ends.session(['arrives', 'is held up', 'arrives']);
    await ends.append([stateEvent('a')]);
    await ends.settle();
    const { epo, h } = (await ends.inbox.accepted(ends.con))!;
    expect(h).toBe(chainOver(chainStart(ends.con, epo), await ends.events()));
  });

  test('a message that was partly accepted before adds only what is new', async () => {
    await ends.append(['"1"', '"2"']);
    await ends.session(['arrives', 'is held up']);
    await ends.append(['"3"']);
    await ends.session(['arrives', 'is overtaken']);
    expect(await ends.events()).toEqual(['"1"', '"2"', '"3"']);
  });

  test('a message takes at most 256 events, and fewer when they are large', async () => {
    const large = Array.from({ length: 10 }, (_, n) => outputEvent('a', n * 200_000, 200_000));
    await ends.append([...Array.from({ length: 300 }, () => stateEvent('a')), ...large]);
    const sizes: number[] = [];
    for await (const batch of ends.link()) {
      sizes.push(batch.events.length);
      expect(Buffer.byteLength(JSON.stringify(batch))).toBeLessThan(780_000);
      if (batch.seq + batch.events.length > 310) break;
    }
    expect(sizes[1]).toBe(256);
    expect(Math.max(...sizes.slice(3))).toBeLessThanOrEqual(3);
  });

  test('an event too large for any message is refused before anything is written', () => {
    expect(() => ends.journal.append(ends.con, [outputEvent('a', 0, 300_000)])).toThrow('too_large');
  });

  test('the caller puts its cursor into the same commit, and its conflict keeps the events out', async () => {
    const cursor = ['relay', 'cursor'] as const;
    const also = { checks: [{ key: cursor, version: null }], puts: [{ key: cursor, value: 7 }] };
    expect(await ends.journal.append(ends.con, [stateEvent('a')], also)).toMatchObject({ ok: true });
    expect((await ends.spokeStore.get(cursor))?.value).toBe(7);
    const again = await ends.journal.append(ends.con, [stateEvent('a')], also);
    expect(again).toEqual({ ok: false, conflict: cursor });
    expect(await ends.journal.position(ends.con)).toMatchObject({ seq: 1 });
  });

  test('a writer that lost its lease journals nothing', async () => {
    const leases = new Leases(ends.spokeStore, { ttlMs: 60_000 });
    const name = ['relay', ends.con] as const;
    const first = (await leases.acquire(name, 'first'))!;
    await leases.release(first);
    const second = (await leases.acquire(name, 'second'))!;
    expect((await ends.journal.append(ends.con, ['"1"'], { checks: [first.held] })).ok).toBe(false);
    expect((await ends.journal.append(ends.con, ['"2"'], { checks: [second.held] })).ok).toBe(true);
    await ends.settle();
    expect(await ends.events()).toEqual(['"2"']);
  });

  test('many messages behind one gap make the walk go back once', async () => {
    await ends.append(Array.from({ length: 400 }, () => stateEvent('a')));
    await ends.append(Array.from({ length: 400 }, () => stateEvent('a')));
    const batches = ends.link();
    const sent = [];
    for (let n = 0; n < 5; n += 1) sent.push((await batches.next()).value as EventBatch);
    for (const late of sent.slice(2)) {
      const ack = await ends.inbox.accept(ends.con, late, ends.rawOf(late));
      expect(ack).toMatchObject({ seq: 0, again: true });
      await ends.journal.acknowledged(ends.con, ack, 'ack');
      sent.push((await batches.next()).value as EventBatch);
    }
    expect(sent.map(({ seq }) => seq)).toEqual([1, 1, 257, 513, 769, 1, 257, 513]);
    await batches.return(undefined);
  });

  test('appends that are called at once are journaled one after the other', async () => {
    const events = Array.from({ length: 50 }, (_, n) => JSON.stringify({ n }));
    await Promise.all(events.map((event) => ends.append([event])));
    await ends.settle();
    expect(await ends.events()).toEqual(events);
  });

  test('two processes on one store append without losing or doubling an event', async () => {
    const other = await ends.anotherSpokeProcess();
    const events = Array.from({ length: 20 }, (_, n) => JSON.stringify({ n }));
    await Promise.all(events.map((event, n) => (n % 2 ? ends.journal : other).append(ends.con, [event])));
    await ends.settle();
    expect([...(await ends.events())].sort()).toEqual([...events].sort());
  });

  test('an acknowledged event leaves the send queue, an unacknowledged one stays', async () => {
    await ends.append([stateEvent('a'), stateEvent('a')]);
    await ends.session(['arrives', 'arrives']);
    await ends.append([stateEvent('b')]);
    expect(await ends.waiting()).toBe(1);
  });

  test('[O-2] a gap is answered with `again`, and the walk goes back', async () => {
    await ends.append(Array.from({ length: 300 }, () => stateEvent('a')));
    const seen: number[] = [];
    for await (const batch of ends.link()) {
      seen.push(batch.seq);
      if (seen.length === 2) continue;
      const ack = await ends.inbox.accept(ends.con, batch, ends.rawOf(batch));
      if (seen.length === 3) expect(ack).toMatchObject({ seq: 0, again: true });
      await ends.journal.acknowledged(ends.con, ack, 'ack');
      if (ack.seq === 300) break;
    }
    expect(seen).toEqual([1, 1, 257, 1, 257]);
  });

  test('a heartbeat opens every session and comes again after the time, with the next number', async () => {
    await ends.close();
    ends = await BothEnds.open({ heartbeatMs: 30 });
    await ends.append([stateEvent('a')]);
    const seen: [number, number][] = [];
    for await (const { seq, events } of ends.link()) {
      seen.push([seq, events.length]);
      if (seen.length === 4) break;
    }
    expect(seen).toEqual([
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 0],
    ]);
  });

  test('what is appended while a session waits is sent without waiting for the heartbeat', async () => {
    const batches = ends.link();
    await batches.next();
    const waiting = batches.next();
    await ends.append([stateEvent('a')]);
    expect((await waiting).value).toMatchObject({ seq: 1, events: [expect.any(String)] });
    await batches.return(undefined);
  });

  test('two sessions of one connection, as with two processes of a hub, each get everything', async () => {
    const [one, two] = [ends.link(), ends.link()];
    await Promise.all([one.next(), two.next()]);
    const waiting = [one.next(), two.next()];
    await ends.append([stateEvent('a')]);
    for (const { value } of await Promise.all(waiting))
      expect(value).toMatchObject({ seq: 1, events: [expect.any(String)] });
    await one.return(undefined);
    const next = two.next();
    await ends.append([stateEvent('b')]);
    expect((await next).value).toMatchObject({ seq: 2, events: [expect.any(String)] });
    await two.return(undefined);
  });

  test('a hello that was overtaken by an acknowledgement over another link costs a new hello, and no epoch', async () => {
    await ends.append([stateEvent('a')]);
    const accepted = await ends.inbox.accepted(ends.con);
    await ends.settle();
    const { epo } = await ends.journal.position(ends.con);
    const old = ends.journal.batches(ends.con, accepted, new AbortController().signal);
    await expect(old.next()).rejects.toMatchObject({ code: 'session' });
    await ends.settle();
    expect((await ends.journal.position(ends.con)).epo).toBe(epo);
    expect(await ends.spokeAlarms.list()).toEqual([]);
  });

  test('a session ends with its signal', async () => {
    const stop = new AbortController();
    const batches = ends.link(stop.signal);
    await batches.next();
    const waiting = batches.next();
    stop.abort();
    expect((await waiting).done).toBe(true);
  });
});

describe('a journal whose hub is away', () => {
  let ends: BothEnds;
  beforeEach(async () => {
    ends = await BothEnds.open({ heartbeatMs: 60_000, outputBytesMax: 4_000, fullBytes: 6_000 });
  });
  afterEach(() => ends.close());

  const parsed = async () => (await ends.events()).map((event) => JSON.parse(event) as Record<string, unknown>);

  test('[O-2] output is left out first, a marker says how much before the next event of that agent, and state stays', async () => {
    await ends.append([outputEvent('a', 0, 2_000), outputEvent('a', 2_000, 2_000), outputEvent('a', 4_000, 2_000)]);
    await ends.append([outputEvent('a', 6_000, 2_000), stateEvent('b'), stateEvent('a', 'agent.completed')]);
    await ends.settle();
    const events = await parsed();
    expect(events.map(({ type, subject }) => [subject, type])).toEqual([
      ['a', 'agent.output'],
      ['b', 'agent.running'],
      ['a', 'agent.output'],
      ['a', 'agent.completed'],
    ]);
    expect(events[2]!['data']).toEqual({ offset: 2_000, bytes: 6_000, dropped: 6_000 });
  });

  test('what was left out survives a restart, and output goes on behind its marker when there is room again', async () => {
    await ends.append([outputEvent('a', 0, 3_000), outputEvent('a', 3_000, 3_000)]);
    await ends.restartSpoke();
    await ends.append([outputEvent('a', 6_000, 3_000)]);
    await ends.settle();
    await ends.append([outputEvent('a', 9_000, 100)]);
    await ends.settle();
    const data = (await parsed()).map(({ data }) => data as { offset: number; bytes: number; dropped?: number });
    expect(data.map(({ offset, bytes, dropped }) => [offset, bytes, dropped])).toEqual([
      [0, 3_000, undefined],
      [3_000, 6_000, 6_000],
      [9_000, 100, undefined],
    ]);
  });

  test('it is full when state events alone fill it, and not any more after the hub took them', async () => {
    while (!(await ends.journal.full(ends.con))) await ends.append([stateEvent('a')]);
    const { seq } = await ends.journal.position(ends.con);
    await ends.append([stateEvent('a')]);
    await ends.settle();
    expect(await ends.events()).toHaveLength(seq + 1);
    expect(await ends.journal.full(ends.con)).toBe(false);
  });
});

describe('a journal that was wiped or restored', () => {
  let ends: BothEnds;
  beforeEach(async () => {
    ends = await BothEnds.open({ heartbeatMs: 60_000 });
  });
  afterEach(() => ends.close());

  const shape = async () => (await ends.kept()).map((entry) => (entry.kind === 'event' ? entry.event : 'break'));

  test('a wiped spoke begins another epoch, and the hub shows the break', async () => {
    await ends.append(['"1"', '"2"']);
    await ends.settle();
    await ends.wipe('spoke');
    await ends.append(['"3"']);
    await ends.settle();
    expect(await shape()).toEqual(['break', '"1"', '"2"', 'break', '"3"']);
    expect((await ends.kept())[3]).toMatchObject({ accepted: { seq: 2 } });
    expect((await ends.kept())[3]).not.toHaveProperty('before');
  });

  test('a spoke restored from a backup names the old epoch, and sends again what it cannot know to have arrived', async () => {
    await ends.append(['"1"', '"2"']);
    await ends.session(['arrives', 'loses its ack']);
    const before = await ends.journal.position(ends.con);
    const restore = await ends.backup('spoke');
    await ends.append(['"lost by the restore"']);
    await ends.settle();
    await restore();
    await ends.append(['"3"']);
    await ends.settle();
    const kept = await shape();
    expect(kept.slice(0, 4)).toEqual(['break', '"1"', '"2"', '"lost by the restore"']);
    expect(kept.slice(4)).toEqual(['break', '"1"', '"2"', '"3"']);
    expect((await ends.kept())[4]).toMatchObject({ before: { epo: before.epo, seq: 2 } });
  });

  test('a hub restored from a backup gets another epoch instead of events that were pruned, and an alarm says so', async () => {
    await ends.append(['"1"']);
    await ends.settle();
    const restore = await ends.backup('hub');
    await ends.append(['"2"']);
    await ends.settle();
    await restore();
    await ends.append(['"3"']);
    await ends.settle();
    expect(await shape()).toEqual(['break', '"1"', 'break', '"3"']);
    expect(await ends.spokeAlarms.list()).toMatchObject([{ kind: 'journal_rewound', connection: ends.con }]);
  });

  test('a late message of an epoch that ended changes nothing', async () => {
    await ends.append(['"1"']);
    const { value: old } = (await ends.link().next()) as { value: EventBatch };
    await ends.session(['arrives', 'arrives']);
    await ends.wipe('spoke');
    await ends.append(['"2"']);
    await ends.settle();
    const ack = await ends.inbox.accept(ends.con, { ...old, events: ['"1"'] }, 'late');
    expect(ack).toMatchObject({ epo: old.epo, seq: 1 });
    expect(await shape()).toEqual(['break', '"1"', 'break', '"2"']);
  });

  test('events of an epoch that no hello announced are not taken', async () => {
    await ends.append(['"1"']);
    await ends.settle();
    const forged = { epo: 'AAAAAAAAAAAAAAAAAAAAAA', seq: 1, prev: 'x', events: ['"2"'] };
    await expect(ends.inbox.accept(ends.con, forged, 'raw')).rejects.toThrow('session');
    expect(await ends.events()).toEqual(['"1"']);
  });
});

describe('a peer that lies', () => {
  let ends: BothEnds;
  let batch: EventBatch;
  beforeEach(async () => {
    ends = await BothEnds.open({ heartbeatMs: 60_000 });
    await ends.append(['"1"', '"2"', '"3"']);
    const batches = ends.link();
    await batches.next();
    batch = (await batches.next()).value as EventBatch;
    await ends.inbox.accept(ends.con, batch, 'the honest message');
    await batches.return(undefined);
  });
  afterEach(() => ends.close());

  const lies: readonly [string, () => EventBatch][] = [
    ['the same numbers', () => ({ ...batch, events: ['"1"', '"2"', '"other"'] })],
    ['some of the numbers', () => ({ ...batch, events: ['"1"', '"other"'] })],
    ['the numbers and more', () => ({ ...batch, events: ['"1"', '"other"', '"3"', '"4"'] })],
    ['the next number on another chain', () => ({ ...batch, seq: 4, prev: batch.prev, events: ['"4"'] })],
    ['a heartbeat on another chain', () => ({ ...batch, seq: 4, events: [] })],
  ];
  for (const [what, lie] of lies) {
    test(`a spoke that signs ${what} twice is told by an alarm with both messages, and nothing is taken`, async () => {
      const ack = await ends.inbox.accept(ends.con, lie(), 'the lying message');
      expect(ack).toMatchObject({ seq: 3 });
      expect(await ends.events()).toEqual(['"1"', '"2"', '"3"']);
      const [alarm] = await ends.hubAlarms.list();
      expect(alarm).toMatchObject({ kind: 'journal_equivocation', connection: ends.con, count: 1 });
      expect(await ends.hubAlarms.evidence(alarm!.id)).toEqual(['the honest message', 'the lying message']);
    });
  }

  test('a spoke that announces fewer events than it had acknowledged raises an alarm, unless its hello may have been overtaken', async () => {
    const fewer = { epo: batch.epo, seq: 1, h: chainOver(batch.prev, ['"1"']) };
    await ends.inbox.announced(ends.con, fewer);
    expect(await ends.hubAlarms.list()).toEqual([]);
    ends.aheadMs = 60_000;
    await ends.inbox.announced(ends.con, fewer);
    expect(await ends.hubAlarms.list()).toMatchObject([{ kind: 'journal_rewound' }]);
  });

  test('a spoke that goes back to an ended epoch is refused', async () => {
    await ends.wipe('spoke');
    await ends.settle();
    const back = { epo: batch.epo, seq: 3, h: chainOver(batch.prev, batch.events) };
    await expect(ends.inbox.announced(ends.con, back)).rejects.toThrow('session');
    expect(await ends.hubAlarms.list()).toMatchObject([{ kind: 'journal_equivocation' }]);
  });

  test('a hub that acknowledges what was never said prunes nothing and raises an alarm', async () => {
    const { epo } = batch;
    await ends.journal.acknowledged(ends.con, { epo, seq: 2, h: batch.prev }, 'wrong value');
    await ends.journal.acknowledged(ends.con, { epo, seq: 9, h: batch.prev }, 'beyond the end');
    expect(await ends.waiting()).toBe(3);
    expect(await ends.spokeAlarms.list()).toMatchObject([{ kind: 'journal_ack_mismatch', count: 2 }]);
  });

  test('one connection neither sees nor moves the journal of another', async () => {
    const other = await BothEnds.open();
    await ends.journal.append(other.con, ['"other"']);
    expect(await ends.journal.position(ends.con)).toMatchObject({ seq: 3 });
    expect(await ends.journal.position(other.con)).toMatchObject({ seq: 1 });
    await other.close();
  });
});
