import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { agentResource, isTerminal, type AgentEvent, type AgentResource, type EventType } from '#protocol';
import type { AgentQuery } from '#api';
import { fleetEventsOf } from '#federation';
import { openSqliteStore, type Store } from '#store';
import { until } from '../../../../test/support/until.js';
import { AgentsIndex } from './agents.index.js';
import { Fleet, type FleetOptions } from './fleet.js';
import { agentNo, journal, told } from './fleet.fixture.js';
import { fold } from './fold.js';

const foldAll = (events: readonly AgentEvent[], from: AgentResource | null = null) =>
  events.reduce<AgentResource | null>((agent, event) => fold(agent, event, 'con'), from);

const types: EventType[] = [
  'agent.running',
  'agent.turn',
  'agent.output',
  'agent.usage',
  'agent.completed',
  'agent.failed',
  'agent.killed',
  'agent.cleanup',
  'agent.spawned',
];
const history = fc
  .array(fc.constantFrom(...types), { maxLength: 12 })
  .map((kinds) => [told('agent.spawned', agentNo(1)), ...kinds.map((kind, n) => told(kind, agentNo(1), {}, n + 1))]);

describe('the fold of an agent’s events', () => {
  test('after any prefix of any history there is a whole resource', () => {
    fc.assert(
      fc.property(history, (events) => {
        for (let end = 1; end <= events.length; end += 1) agentResource.parse(foldAll(events.slice(0, end)));
      }),
    );
  });

  test('[P-11] a session is busy from the begin of a turn to the end of the same one, and nothing of it when it is over', () => {
    const [agentId, first] = [agentNo(1), agentNo(2)];
    const times = { startedAt: '2026-01-01T00:00:00.000Z', endedAt: '2026-01-01T00:00:01.000Z' };
    const end = { turnId: first, turn: 1, state: 'completed', exitReason: 'finished', ...times } as const;
    const begun = [told('agent.spawned', agentId), told('agent.turn', agentId, { turnId: first })];
    expect(foldAll(begun)).toMatchObject({ activity: 'busy', turns: { taken: 1, current: { turnId: first } } });
    const idle = [...begun, told('agent.turn', agentId, { turnId: first, activity: 'idle', end })];
    expect(foldAll(idle)).toMatchObject({ activity: 'idle', turns: { taken: 1, last: end } });
    const over = foldAll([...begun, told('agent.killed', agentId)]);
    expect([over?.activity, over?.turns?.current]).toEqual([undefined, undefined]);
  });

  test('an end stays the end, whatever is told afterwards', () => {
    fc.assert(
      fc.property(history, (events) => {
        const ends = events.findIndex(({ type }) => /completed|failed|killed/.test(type));
        fc.pre(ends >= 0);
        const { state, endedAt, usage } = foldAll(events.slice(0, ends + 1))!;
        expect(foldAll(events)).toMatchObject({ state, endedAt, usage });
      }),
    );
  });

  test('a journal that is read a second time over changes nothing', () => {
    fc.assert(
      fc.property(history, (events) => {
        const once = foldAll(events)!;
        fc.pre(isTerminal(once.state));
        expect(foldAll(events, once)).toEqual(once);
      }),
    );
  });

  test('events of an agent that nobody told of make none', () => {
    expect(foldAll([told('agent.running', agentNo(1))])).toBeNull();
  });
});

test('the index counts who lives on a connection', () => {
  const agent = (n: number, more: Partial<AgentResource> = {}): AgentResource => ({
    ...foldAll([told('agent.spawned', agentNo(n), {}, n)])!,
    ...more,
  });
  const index = new AgentsIndex(10);
  index.put(agent(1));
  index.put(agent(2));
  index.put(agent(2, { state: 'failed' }));
  index.put(agent(3, { owner: 'other' }));
  expect([index.live('con'), index.live('other'), index.live('nobody')]).toEqual([1, 1, 0]);
});

describe('the fleet', () => {
  let store: Store;
  let fleet: Fleet;
  let heard: string[];
  const failures: unknown[] = [];
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    heard = [];
    fleet = opened();
  });
  const opened = (options: Partial<FleetOptions> = {}) =>
    new Fleet(
      store,
      (_con, { type }) => heard.push(type),
      (error) => failures.push(error),
      { fleetEndedMax: 10_000, eventsKeptMax: 10_000, ...options },
    );
  /** As a hub that starts again on the same store. */
  const reopened = async (options: Partial<FleetOptions> = {}) => {
    await fleet.stop();
    fleet = opened(options);
    await fleet.follow('con');
  };
  const listed = async (limit: number, query: Partial<AgentQuery> = {}, between = () => Promise.resolve()) => {
    const seen: string[] = [];
    for (let cursor: string | undefined; ;) {
      const page = await fleet.page({ ...query, limit, ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...page.agents.map(({ agentId }) => agentId));
      expect(page.agents.length).toBeLessThanOrEqual(limit);
      await between();
      cursor = page.nextCursor;
      if (cursor === undefined) return seen;
    }
  };
  const inMemory = (count: number) =>
    Array.from({ length: count }, (_, n) => n).filter((n) => fleet.get(agentNo(n)) !== undefined);
  afterEach(async () => {
    await fleet.stop();
    await store.close();
    expect(failures).toEqual([]);
  });

  test('[S-5] is there again after a restart, from the journals alone', async () => {
    await journal(store, 'con', told('agent.spawned', agentNo(1)), told('agent.completed', agentNo(1), {}, 1));
    await fleet.follow('con');
    expect(fleet.get(agentNo(1))).toMatchObject({ state: 'completed', owner: 'con' });
  });

  test('counts every agent once, in its last state, over restarts, second readings and stores from before there were counts', async () => {
    const ends = ['agent.completed', 'agent.failed', 'agent.killed', 'agent.completed'] as const;
    const born = Array.from({ length: 6 }, (_, n) => told('agent.spawned', agentNo(n), {}, n));
    await journal(store, 'con', ...born, told('agent.running', agentNo(4), {}, 7));
    await fleet.follow('con');
    await journal(store, 'con', ...ends.map((type, n) => told(type, agentNo(n), {}, 10 + n)), born[0]!);
    const counts = { spawning: 1, running: 1, completed: 2, failed: 1, killed: 1 };
    const counted = async () => (await fleet.counts()).get('con');
    await until('all is counted', async () => (await counted())?.killed === 1 || undefined);
    expect(await counted()).toEqual(counts);
    await reopened();
    expect(await counted()).toEqual(counts);
    await store.commit({ puts: [{ key: ['hub', 'fleet', 'cursor', 'con'], value: 12 }] });
    await reopened();
    expect(await counted()).toEqual(counts);
  });

  test('reads a connection once, however often it is told of', async () => {
    await journal(store, 'con', told('agent.spawned', agentNo(1)));
    await Promise.all([fleet.follow('con'), fleet.follow('con'), fleet.follow('con')]);
    await journal(store, 'con', told('agent.running', agentNo(1)));
    await until('the running agent', () => fleet.get(agentNo(1))?.state === 'running');
    expect(heard).toEqual(['agent.spawned', 'agent.running']);
  });

  test('[F-12] one spoke cannot speak of the agents of another', async () => {
    await journal(store, 'con', told('agent.spawned', agentNo(1)));
    await journal(store, 'thief', told('agent.killed', agentNo(1)));
    await fleet.follow('con');
    await fleet.follow('thief');
    expect(fleet.get(agentNo(1))).toMatchObject({ state: 'spawning', owner: 'con' });
  });

  test('a row that is no event does not hide those that follow', async () => {
    await journal(store, 'con', 'no JSON', '{"type":"agent.new"}', told('agent.spawned', agentNo(1)));
    await fleet.follow('con');
    expect(fleet.get(agentNo(1))?.state).toBe('spawning');
  });

  test('reads journaled output from any byte on, and knows where it ends', async () => {
    const output = (offset: number, text: string) =>
      told('agent.output', agentNo(1), { offset, bytes: Buffer.byteLength(text), text });
    await journal(store, 'con', told('agent.spawned', agentNo(1)), output(0, 'hello '), output(6, 'world'));
    await fleet.follow('con');
    const at = async (offset: number) => (await fleet.journaled(agentNo(1), offset))?.text;
    expect(await Promise.all([0, 2, 6, 10, 11].map(at))).toEqual(['hello ', 'llo ', 'world', 'd', undefined]);
  });

  test('wakes whoever waits for an agent’s next event', async () => {
    await fleet.follow('con');
    const changed = fleet.changed(agentNo(1), 10_000);
    await journal(store, 'con', told('agent.spawned', agentNo(1)));
    await changed;
    expect(fleet.get(agentNo(1))).toBeDefined();
  });

  test('pages by keyset over memory and store: what ends or comes meanwhile moves nothing and doubles nothing', async () => {
    const stories = fc.array(fc.record({ second: fc.nat({ max: 20 }), ends: fc.boolean() }), {
      minLength: 1,
      maxLength: 25,
    });
    await fc.assert(
      fc.asyncProperty(
        stories,
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 6 }),
        async (all, limit, max) => {
          await fleet.stop();
          await store.close();
          store = await openSqliteStore({ path: ':memory:' });
          fleet = opened({ fleetEndedMax: max });
          for (const [n, { second }] of all.entries())
            await journal(store, 'con', told('agent.spawned', agentNo(n), {}, second));
          for (const [n, { ends }] of all.entries())
            if (ends) await journal(store, 'con', told('agent.failed', agentNo(n), {}, 30));
          await fleet.follow('con');
          const ids = all.map((_, n) => agentNo(n));
          const place = (id: string) => `${String(all[ids.indexOf(id)]!.second).padStart(2, '0')} ${id}`;
          const newestFirst = ids.toSorted((a, b) => (place(a) < place(b) ? 1 : -1));
          let late = 100;
          const meanwhile = async () => {
            const id = agentNo((late += 1));
            await journal(store, 'con', told('agent.spawned', id, {}, late), told('agent.failed', id, {}, late));
            await until('it has come', async () => (await fleet.find(id))?.state === 'failed');
          };
          expect(await listed(limit, {}, meanwhile)).toEqual(newestFirst);
        },
      ),
      { numRuns: 25 },
    );
  });

  test('keeps in memory what lives and the newest that ended; the others are answered from the store', async () => {
    fleet = opened({ fleetEndedMax: 3 });
    const ends = Array.from({ length: 20 }, (_, n) => told('agent.failed', agentNo(n), {}, 100 + n));
    for (let n = 0; n < 22; n += 1) await journal(store, 'con', told('agent.spawned', agentNo(n), {}, n));
    await journal(store, 'con', ...ends);
    await fleet.follow('con');
    expect(inMemory(22)).toEqual([17, 18, 19, 20, 21]);
    expect(await fleet.find(agentNo(0))).toMatchObject({ state: 'failed', owner: 'con' });
    expect(fleet.live('con')).toBe(2);
    expect(await listed(4)).toEqual(Array.from({ length: 22 }, (_, n) => agentNo(21 - n)));
    expect(await listed(4, { states: ['spawning'] })).toEqual([agentNo(21), agentNo(20)]);
    await journal(store, 'con', told('agent.cleanup', agentNo(0), {}, 200));
    await until('the clean-up of an old one', async () => (await fleet.find(agentNo(0)))?.cleanup !== undefined);
    expect(inMemory(22)).toHaveLength(5);
  });

  test('[S-5] a restart reads what it shows and not the history, which is trimmed to a tail', async () => {
    fleet = opened({ fleetEndedMax: 3, eventsKeptMax: 10 });
    await journal(store, 'con', told('agent.spawned', agentNo(0)), told('agent.running', agentNo(0), {}, 1));
    for (let n = 1; n < 60; n += 1)
      await journal(store, 'con', told('agent.spawned', agentNo(n), {}, n), told('agent.failed', agentNo(n), {}, n));
    await fleet.follow('con');
    expect((await store.read(fleetEventsOf('con'), { after: 0 })).length).toBeLessThanOrEqual(11);
    await journal(store, 'con', told('agent.spawned', agentNo(60), {}, 60));
    await reopened({ fleetEndedMax: 3, eventsKeptMax: 10 });
    expect(inMemory(61)).toEqual([0, 57, 58, 59, 60]);
    expect(fleet.get(agentNo(0))?.state).toBe('running');
    expect(await listed(7)).toEqual(Array.from({ length: 61 }, (_, n) => agentNo(60 - n)));
  });

  test('output in the kept tail is found again after a restart', async () => {
    const output = told('agent.output', agentNo(1), { offset: 0, bytes: 5, text: 'hello' });
    await journal(store, 'con', told('agent.spawned', agentNo(1)), output);
    await fleet.follow('con');
    await reopened();
    await until('the output', async () => (await fleet.journaled(agentNo(1), 1))?.text === 'ello');
  });

  test('[L-1] two hubs on one store fold the same journal and come to the same fleet', async () => {
    const second = opened();
    for (let n = 0; n < 40; n += 1) await journal(store, 'con', told('agent.spawned', agentNo(n), {}, n));
    await Promise.all([fleet.follow('con'), second.follow('con')]);
    for (let n = 0; n < 40; n += 1) await journal(store, 'con', told('agent.failed', agentNo(n), {}, 50 + n));
    for (const one of [fleet, second]) await until('all ended', () => one.live('con') === 0);
    await second.stop();
    await reopened();
    expect(fleet.get(agentNo(39))?.state).toBe('failed');
    expect(await listed(9)).toHaveLength(40);
  });

  test.each(['x', 'AAAA', Buffer.from('2026 x').toString('base64url')])(
    'refuses the cursor %j by name',
    async (cursor) => {
      const refused = expect.objectContaining({ code: 'invalid_request', field: 'cursor' });
      await expect(fleet.page({ limit: 1, cursor })).rejects.toEqual(refused);
    },
  );
});
