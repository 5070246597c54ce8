import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newNonce, SigningKey } from '#protocol';
import { openSqliteStore, type Store } from '#store';
import { Alarms } from './alarms.js';
import { jointState, type Connection, type HalfState } from './connection.js';
import { Connections } from './connections.js';
import { Receipts } from '../receipts/receipts.js';
import { PeerKeys } from './peer-keys.js';

const day = 86_400_000;

/** One side with its own memory; two of them exchange halves as hello does. */
class Side {
  private constructor(
    readonly store: Store,
    readonly alarms: Alarms,
    readonly connections: Connections,
    readonly peerKeys: PeerKeys,
  ) {}

  static async open(now: () => number): Promise<Side> {
    const store = await openSqliteStore({ path: ':memory:' });
    const alarms = new Alarms(store, now);
    return new Side(
      store,
      alarms,
      new Connections(store, alarms, now),
      new PeerKeys(store, alarms, new Receipts(store, now)),
    );
  }

  async pair(con: string, we: 'hub' | 'spoke', name: string, peer = SigningKey.generate()): Promise<Connection> {
    const identity = { id: peer.kid, name, rootJwk: peer.publicJwk };
    const link = { kind: 'outbound', url: 'https://hub.example' } as const;
    const { connection, commit } = this.connections.draft({ id: con, we, peer: identity, link });
    const result = await this.store.commit(commit);
    if (!result.ok) throw new Error(`conflict on ${result.conflict.join(' ')}`);
    return connection;
  }
}

describe('connections', () => {
  const con = newNonce();
  let now = Date.parse('2026-01-01T00:00:00Z');
  let hub: Side;
  let spoke: Side;
  beforeEach(async () => {
    hub = await Side.open(() => now);
    spoke = await Side.open(() => now);
    await hub.pair(con, 'hub', 'acme');
    await spoke.pair(con, 'spoke', 'central');
  });
  afterEach(async () => {
    await hub.store.close();
    await spoke.store.close();
  });

  /** What a hello in each direction does. */
  const hello = async () => {
    await spoke.connections.heard(con, (await hub.connections.get(con)).ours);
    await hub.connections.heard(con, (await spoke.connections.get(con)).ours);
  };
  const joint = async (side: Side) => jointState(await side.connections.get(con));
  const activate = async () => {
    await hub.connections.accept(con);
    await hello();
  };

  test('a pairing becomes active on both sides once the hub accepts: the spoke agreed when it joined', async () => {
    expect([await joint(hub), await joint(spoke)]).toEqual(['pending', 'pending']);
    await hub.connections.accept(con);
    expect([await joint(hub), await joint(spoke)]).toEqual(['pending', 'pending']);
    await hello();
    expect([await joint(hub), await joint(spoke)]).toEqual(['active', 'active']);
  });

  test('[F-3] a change takes effect here at once and reaches the other side with the next hello', async () => {
    await activate();
    await spoke.connections.suspend(con);
    expect([await joint(hub), await joint(spoke)]).toEqual(['active', 'suspended']);
    await hello();
    expect(await joint(hub)).toBe('suspended');
  });

  test('[F-3] only the side that suspended can resume', async () => {
    await activate();
    await spoke.connections.suspend(con);
    await hello();
    await hub.connections.resume(con);
    await hello();
    expect([await joint(hub), await joint(spoke)]).toEqual(['suspended', 'suspended']);
    await spoke.connections.resume(con);
    await hello();
    expect([await joint(hub), await joint(spoke)]).toEqual(['active', 'active']);
  });

  test('[F-3] whatever both sides do and whichever hellos are lost, one exchange makes them agree', async () => {
    const act = fc.constantFrom('accept', 'suspend', 'resume', 'close', 'hello to hub', 'hello to spoke');
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(act, fc.boolean()), { maxLength: 15 }), async (acts) => {
        const own = newNonce();
        await hub.pair(own, 'hub', own);
        await spoke.pair(own, 'spoke', own);
        const half = async (side: Side) => (await side.connections.get(own)).ours;
        for (const [what, atHub] of acts) {
          if (what === 'hello to hub') await hub.connections.heard(own, await half(spoke));
          else if (what === 'hello to spoke') await spoke.connections.heard(own, await half(hub));
          else await (atHub ? hub : spoke).connections[what](own).catch(() => undefined);
        }
        for (let turn = 0; turn < 2; turn += 1) {
          await spoke.connections.heard(own, await half(hub));
          await hub.connections.heard(own, await half(spoke));
        }
        expect(jointState(await hub.connections.get(own))).toBe(jointState(await spoke.connections.get(own)));
        expect(await hub.alarms.list()).toEqual([]);
        expect(await spoke.alarms.list()).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  test('an older hello changes nothing', async () => {
    await activate();
    const old = (await spoke.connections.get(con)).ours;
    await spoke.connections.suspend(con);
    await hello();
    await hub.connections.heard(con, old);
    expect(await joint(hub)).toBe('suspended');
    expect(await hub.alarms.list()).toEqual([]);
  });

  const lies: readonly [string, HalfState][] = [
    ['another state under a number already used', { state: 'suspended', counter: 2 }],
    ['pending again', { state: 'pending', counter: 9 }],
  ];
  for (const [what, lie] of lies) {
    test(`a peer that says ${what} is not believed, and an alarm says so`, async () => {
      await activate();
      await hub.connections.heard(con, lie);
      expect(await joint(hub)).toBe('active');
      expect(await hub.alarms.list()).toMatchObject([{ kind: 'half_state_contradiction', connection: con }]);
    });
  }

  test('closed is final on both sides, says what becomes of the agents, and is answered for 30 days', async () => {
    await activate();
    await spoke.connections.close(con, { agents: 'keep' });
    await hello();
    expect((await hub.connections.get(con)).theirs).toMatchObject({ state: 'closed', agents: 'keep' });
    await expect(spoke.connections.resume(con)).rejects.toThrow('connection_closed');
    await hub.connections.heard(con, { state: 'active', counter: 99 });
    expect(await joint(hub)).toBe('closed');
    now += 30 * day - 1;
    expect(await hub.connections.prune()).toEqual([]);
    now += 2;
    expect(await hub.connections.prune()).toEqual([con]);
    await expect(hub.connections.get(con)).rejects.toThrow('not_found');
  });

  test('closing kills the agents unless told otherwise, and closing again changes nothing', async () => {
    const closed = await spoke.connections.close(con);
    expect(closed.ours).toEqual({ state: 'closed', agents: 'kill', counter: 2 });
    expect((await spoke.connections.close(con, { agents: 'keep' })).ours).toEqual(closed.ours);
  });

  test('a pending connection cannot be suspended, only accepted or closed', async () => {
    await expect(hub.connections.suspend(con)).rejects.toThrow('connection_inactive');
    await expect(hub.connections.resume(con)).rejects.toThrow('connection_inactive');
  });

  test('a peer may have two connections, and each has its own name and state', async () => {
    const peer = SigningKey.generate();
    const [one, two] = [newNonce(), newNonce()];
    await hub.pair(one, 'hub', 'twin', peer);
    await expect(hub.pair(two, 'hub', 'Twin', peer)).rejects.toThrow('connection-name');
    await hub.pair(two, 'hub', 'twin-2', peer);
    await hub.connections.close(one);
    expect((await hub.connections.get(two)).ours.state).toBe('pending');
  });

  test('the name of a closed connection is free for a new pairing', async () => {
    await hub.connections.close(con);
    expect(await hub.connections.named('acme')).toBeNull();
    await hub.pair(newNonce(), 'hub', 'acme');
    expect((await hub.connections.named('ACME'))?.ours.state).toBe('pending');
  });

  test('a watcher sees every connection as it stands and then each change, until its signal', async () => {
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const { id, ours } of hub.connections.watch(stop.signal)) {
      seen.push(`${id} ${ours.state}`);
      if (seen.length === 1) await hub.connections.accept(con);
      if (seen.length === 2) await hub.connections.suspend(con);
      if (seen.length === 3) stop.abort();
    }
    expect(seen).toEqual([`${con} pending`, `${con} active`, `${con} suspended`]);
  });

  test('labels replace the former ones, within their limits', async () => {
    await hub.connections.label(con, { region: 'eu' });
    expect((await hub.connections.get(con)).labels).toEqual({ region: 'eu' });
    await expect(hub.connections.label(con, { ['x'.repeat(65)]: '' })).rejects.toThrow('invalid_request');
  });

  test('an id of the wrong shape is an unknown connection', async () => {
    await expect(hub.connections.get('../etc')).rejects.toThrow('not_found');
  });

  describe('key statements', () => {
    test('the version only grows: an older one is refused and alarms', async () => {
      await hub.peerKeys.learn(con, { ver: 2, token: 'second' });
      await hub.peerKeys.learn(con, { ver: 2, token: 'second' });
      await hub.peerKeys.learn(con, { ver: 3, token: 'third' });
      await expect(hub.peerKeys.learn(con, { ver: 2, token: 'second' })).rejects.toThrow('key_invalid');
      await expect(hub.peerKeys.learn(con, { ver: 3, token: 'another third' })).rejects.toThrow('key_invalid');
      expect(await hub.peerKeys.latest(con)).toEqual({ ver: 3, token: 'third' });
      const [alarm] = await hub.alarms.list();
      expect(alarm).toMatchObject({ kind: 'statement_rollback', connection: con });
      expect(await hub.alarms.evidence(alarm!.id)).toContain('third');
    });
  });
});

describe('alarms', () => {
  let now = 0;
  let store: Store;
  let alarms: Alarms;
  beforeEach(async () => {
    store = await openSqliteStore({ path: ':memory:' });
    alarms = new Alarms(store, () => (now += 1_000));
  });
  afterEach(() => store.close());

  test('the same thing raised again is one alarm with a count, and its first proof stays', async () => {
    await alarms.raise({ kind: 'replay', connection: 'c', detail: 'twice', evidence: ['a'] });
    await alarms.raise({ kind: 'replay', connection: 'c', detail: 'twice', evidence: ['b'] });
    const [alarm, ...others] = await alarms.list();
    expect(others).toEqual([]);
    expect(alarm).toMatchObject({ count: 2, detail: 'twice' });
    expect(await alarms.evidence(alarm!.id)).toEqual(['a']);
  });

  test('the list is bounded: the one heard of longest ago goes first', async () => {
    const few = new Alarms(store, () => (now += 1_000), 3);
    for (const detail of ['0', '1', '2', '0', '3']) await few.raise({ kind: 'replay', detail });
    expect((await few.list()).map(({ detail }) => detail)).toEqual(['3', '0', '2']);
  });

  test('an alarm that was cleared is gone with its proof', async () => {
    await alarms.raise({ kind: 'replay', detail: 'seen', evidence: ['a'] });
    const [alarm] = await alarms.list();
    await alarms.clear(alarm!.id);
    expect(await alarms.list()).toEqual([]);
    expect(await alarms.evidence(alarm!.id)).toEqual([]);
  });
});
