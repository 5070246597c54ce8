import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { agentEvents } from '#agents';
import { AddressPolicy, spokeRecords, type Connection, type Journal } from '#federation';
import { newNonce, issueKeyStatement, SigningKey } from '#protocol';
import { openSqliteStore, type Commit, type Store } from '#store';
import { until } from '../../../../test/support/until.js';
import { EventsTail } from './events.tail.js';
import { JournalRelay } from './journal.relay.js';

const con = newNonce();
const connection = { id: con } as Connection;

function journalOn(store: Store): Journal {
  const root = SigningKey.generate();
  const nowS = Math.floor(Date.now() / 1_000);
  const keys = [{ jwk: SigningKey.generate().publicJwk, nbf: nowS, exp: nowS + 86_400 }];
  const identity = { id: root.kid, root, statement: { token: issueKeyStatement(root, { ver: 1, nowS, keys }) } };
  return spokeRecords({ store, identity, policy: new AddressPolicy(['loopback']) }).journal;
}

describe('the relay from agents to a hub’s journal', () => {
  let store: Store;
  let journal: Journal;
  let relays: JournalRelay[];
  const failures: unknown[] = [];
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    journal = journalOn(store);
    relays = [];
  });
  afterEach(async () => {
    await Promise.all(relays.map((relay) => relay.stop()));
    await store.close();
  });

  const relayTo = (target: Journal = journal, eventsKeptMax = 10_000) => {
    const tail = new EventsTail(store, eventsKeptMax);
    const relay = new JournalRelay(store, target, tail, (error) => failures.push(error));
    relays.push(relay);
    relay.follow(connection);
    return relay;
  };
  const tell = (from: number, to: number) =>
    store.commit({
      appends: Array.from({ length: to - from }, (_, n) => ({ stream: agentEvents(con), value: { n: from + n } })),
    });

  /** Everything that the hub would be sent. */
  async function journaled(count: number): Promise<number[]> {
    const told: number[] = [];
    const stop = new AbortController();
    await until(`${count} events`, async () => (await journal.position(con)).seq >= count);
    for await (const { events } of journal.batches(con, null, stop.signal)) {
      told.push(...events.map((event) => (JSON.parse(event) as { n: number }).n));
      if (told.length >= count) break;
    }
    stop.abort();
    return told;
  }
  const upTo = (count: number) => Array.from({ length: count }, (_, n) => n);

  test('tells every event once, in order, over many batches', async () => {
    relayTo();
    for (let from = 0; from < 600; from += 200) await tell(from, from + 200);
    expect(await journaled(600)).toEqual(upTo(600));
  });

  test('[O-2] a crash before, after or in the middle of a commit neither loses nor doubles an event', async () => {
    for (const [round, crash] of (['before', 'after', 'before'] as const).entries()) {
      await tell(round * 300, (round + 1) * 300);
      const relay = relayTo(crashing(journal, crash));
      await until('the crash', () => failures.splice(0).length > 0);
      await relay.stop();
      failures.length = 0;
    }
    relayTo();
    expect(await journaled(900)).toEqual(upTo(900));
    expect((await journal.position(con)).seq).toBe(900);
  });

  test('two relays of one connection take turns and double nothing', async () => {
    relayTo();
    relayTo();
    for (let from = 0; from < 200; from += 20) await tell(from, from + 20);
    expect(await journaled(200)).toEqual(upTo(200));
    expect((await journal.position(con)).seq).toBe(200);
  });

  test('[S-6] what is committed when it stops is still handed over', async () => {
    const relay = relayTo();
    await tell(0, 5);
    await relay.stop();
    expect((await journal.position(con)).seq).toBe(5);
  });

  const kept = async (owner: string) => (await store.read<{ n: number }>(agentEvents(owner), { after: 0 })).length;

  test('what was relayed is trimmed to a tail; what was not stays, however much it is', async () => {
    const dying = relayTo(crashing(journal, 'before'), 20);
    await tell(0, 300);
    await until('the crash', () => failures.splice(0).length > 0);
    await dying.stop();
    failures.length = 0;
    expect(await kept(con)).toBe(300);
    relayTo(journal, 20);
    await tell(300, 400);
    await until('all is told', async () => (await journal.position(con)).seq === 400);
    await until('the rest is trimmed', async () => (await kept(con)) <= 22);
    expect(await kept(con)).toBeGreaterThanOrEqual(20);
    expect(await journaled(400)).toEqual(upTo(400));
  });

  test('events that nobody relays are trimmed to the same tail as they come, those of an earlier start included', async () => {
    const tellLocally = (count: number) =>
      store.commit({
        appends: Array.from({ length: count }, (_, n) => ({ stream: agentEvents('local'), value: { n } })),
      });
    await tellLocally(100);
    const stop = new AbortController();
    const followed = new EventsTail(store, 20).follow('local', stop.signal, (error) => failures.push(error));
    await until('the old ones are trimmed', async () => (await kept('local')) === 20);
    for (let round = 0; round < 5; round += 1) await tellLocally(50);
    await until('the new ones are trimmed', async () => (await kept('local')) <= 22);
    const [first] = await store.read(agentEvents('local'), { after: 0 });
    expect(first?.cursor).toBeLessThanOrEqual(331);
    stop.abort();
    await followed;
    expect(failures).toEqual([]);
  });

  test('is told of a connection as often as one likes', async () => {
    const relay = relayTo();
    relay.follow(connection);
    await tell(0, 3);
    expect(await journaled(3)).toEqual(upTo(3));
  });
});

/** The journal itself, before or after whose first commit the process dies. */
function crashing(journal: Journal, when: 'before' | 'after'): Journal {
  const dying = Object.create(journal) as Journal;
  dying.append = async (id: string, events: readonly string[], also?: Commit) => {
    if (when === 'after') await journal.append(id, events, also);
    throw new Error('the process is gone');
  };
  return dying;
}
