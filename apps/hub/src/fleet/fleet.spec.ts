import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { agentResource, isTerminal, type AgentEvent, type AgentResource, type EventType } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { until } from '../../../../test/support/until.js';
import { AgentsIndex } from './agents.index.js';
import { Fleet } from './fleet.js';
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

describe('the index of agents', () => {
  const agent = (n: number, second: number, more: Partial<AgentResource> = {}): AgentResource => ({
    ...foldAll([told('agent.spawned', agentNo(n), {}, second)])!,
    ...more,
  });

  test('pages by keyset: agents that come meanwhile move nothing and double nothing', () => {
    const spawnedAt = fc.array(fc.nat({ max: 20 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(spawnedAt, fc.integer({ min: 1, max: 7 }), (seconds, limit) => {
        const index = new AgentsIndex();
        seconds.forEach((second, n) => index.put(agent(n, second)));
        const seen: string[] = [];
        let cursor: string | undefined;
        for (let late = 100; ; late += 1) {
          const page = index.page({ limit, ...(cursor === undefined ? {} : { cursor }) });
          seen.push(...page.agents.map(({ agentId }) => agentId));
          index.put(agent(late, 1_000 + late));
          cursor = page.nextCursor;
          if (cursor === undefined) break;
        }
        expect(seen.sort()).toEqual(seconds.map((_, n) => agentNo(n)).sort());
      }),
    );
  });

  test('counts who lives on a connection', () => {
    const index = new AgentsIndex();
    index.put(agent(1, 1));
    index.put(agent(2, 2));
    index.put(agent(2, 2, { state: 'failed' }));
    index.put(agent(3, 3, { owner: 'other' }));
    expect([index.live('con'), index.live('other'), index.live('nobody')]).toEqual([1, 1, 0]);
  });

  test.each(['x', 'AAAA', Buffer.from('2026 x').toString('base64url')])('refuses the cursor %j by name', (cursor) => {
    expect(() => new AgentsIndex().page({ limit: 1, cursor })).toThrow(
      expect.objectContaining({ code: 'invalid_request', field: 'cursor' }),
    );
  });
});

describe('the fleet', () => {
  let store: Store;
  let fleet: Fleet;
  let heard: string[];
  const failures: unknown[] = [];
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    heard = [];
    fleet = new Fleet(
      store,
      (_con, { type }) => heard.push(type),
      (error) => failures.push(error),
    );
  });
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
});
