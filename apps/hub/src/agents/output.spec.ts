import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { WritError } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { agentNo, journal, told } from '../fleet/fleet.fixture.js';
import { Fleet } from '../fleet/fleet.js';
import { OutputReader } from './output.js';

const agentId = agentNo(1);

describe('an agent’s output on the hub', () => {
  let store: Store;
  let fleet: Fleet;
  let away: boolean;
  let asked: number[];
  let reader: OutputReader;
  const spool = 'hello world, and more than the journal has';
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    fleet = new Fleet(
      store,
      () => undefined,
      () => undefined,
      { fleetEndedMax: 10, eventsKeptMax: 100 },
    );
    [away, asked] = [false, []];
    reader = new OutputReader(fleet, (_agent, offset) => {
      asked.push(offset);
      if (away) return Promise.reject(new WritError('peer_unavailable', 'Away.'));
      const text = spool.slice(offset);
      return Promise.resolve({ offset, text, next: spool.length, end: true, dropped: 0 });
    });
    const output = (offset: number, bytes: number, text?: string) =>
      told('agent.output', agentId, { offset, bytes, text });
    await journal(store, 'con', told('agent.spawned', agentId), output(0, 5, spool.slice(0, 5)));
    await journal(store, 'con', output(5, spool.length - 5));
    await fleet.follow('con');
  });
  afterEach(async () => {
    await fleet.stop();
    await store.close();
  });

  const end = () => journal(store, 'con', told('agent.completed', agentId, { outputBytes: spool.length }, 9));

  async function readAll(): Promise<string> {
    let text = '';
    for await (const piece of reader.follow(agentId, 0, AbortSignal.timeout(10_000))) text += piece.text;
    return text;
  }

  test('comes from the journal first, then from the spoke, and ends with the agent', async () => {
    await end();
    expect(await readAll()).toBe(spool);
    expect(asked).toEqual([5]);
  });

  test('[O-2] a spoke that is away is no end of the output: it goes on when it is back', async () => {
    await end();
    away = true;
    const reading = readAll();
    while (asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    away = false;
    expect(await reading).toBe(spool);
  });

  test('one look at a spoke that is away says so', async () => {
    away = true;
    await expect(reader.next(agentId, 5)).rejects.toMatchObject({ code: 'peer_unavailable' });
    expect((await reader.next(agentId, 0)).text).toBe('hello');
  });

  test('an agent that still runs has no end yet', async () => {
    expect(await reader.next(agentId, spool.length)).toMatchObject({ text: '', end: false });
  });
});
