import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { join } from 'node:path';
import { newNonce, SigningKey, type GrantInput } from '#protocol';
import type { LocalAgents } from '#agents';
import { Acts } from '#api';
import { AddressPolicy, Identity, LinkBoard, Peers, spokeRecords, type Connection, type HalfState } from '#federation';
import { ChainedLog, Replicas } from '#store';
import { inState, Room } from '../../../../test/support/agents.js';
import { until } from '../../../../test/support/until.js';
import { GrantsService } from '../grants/grants.service.js';
import { ConnectionPolicy } from './connection.policy.js';
import { HubLeases } from './leases.js';

const admin = { kind: 'key', id: 'admin' } as const;
const con = newNonce();
const root = SigningKey.generate();
const active: HalfState = { state: 'active', counter: 1 };
const connection = (ours: HalfState, theirs: HalfState): Connection => ({
  id: con,
  we: 'spoke',
  peer: { id: root.kid, name: 'hub', rootJwk: root.publicJwk },
  link: { kind: 'outbound', url: 'http://127.0.0.1:9' },
  ours,
  theirs,
  labels: {},
  createdAt: '2026-01-01T00:00:00.000Z',
});

describe('what becomes of agents when their connection changes', () => {
  let room: Room;
  let agents: LocalAgents;
  let grants: GrantsService;
  let peers: Peers;
  let policy: ConnectionPolicy;
  let nowMs: number;
  const failures: unknown[] = [];
  beforeEach(async () => {
    room = await Room.make();
    agents = await room.open();
    grants = new GrantsService(room.store, new Acts(new ChainedLog(room.store, ['acts'])), 'spoke');
    const identity = Identity.open(join(room.folder, 'keys'));
    const addresses = new AddressPolicy(['loopback']);
    const records = spokeRecords({ store: room.store, identity, policy: addresses });
    const hub = Identity.open(join(room.folder, 'hub'));
    const peer = { id: hub.id, name: 'hub', rootJwk: hub.root.publicJwk };
    const link = { kind: 'outbound', url: 'http://127.0.0.1:9' } as const;
    const { commit } = records.connections.draft({ id: con, we: 'spoke', peer, link, ours: 'active' });
    await room.store.commit({ ...commit, puts: [...(commit.puts ?? []), records.peerKeys.first(con, hub.statement)] });
    const linkTo = () => Promise.reject(new Error('nobody is there'));
    peers = new Peers({ identity, store: room.store, records, policy: addresses, linkTo });
    nowMs = 0;
    policy = made();
  });
  afterEach(async () => {
    policy.stop();
    await peers.close();
    await room.close();
  });

  const made = (of: LocalAgents = agents) =>
    new ConnectionPolicy({
      ...{ agents: of, grants, peers, failed: (error: unknown) => void failures.push(error) },
      board: new LinkBoard(room.store, new Replicas(room.store, { shared: false }), peers, (error) =>
        failures.push(error),
      ),
      leases: new HubLeases(room.store, () => nowMs),
    });

  async function running(): Promise<string> {
    const { agentId } = await agents.spawn(room.request('sleep 60', { owner: con }));
    await inState(agents, agentId, 'running');
    return agentId;
  }
  const closedHalf = (keep: 'keep' | 'kill'): HalfState => ({ state: 'closed', agents: keep, counter: 2 });

  test.each([
    ['ours', () => connection(closedHalf('kill'), active)],
    ['theirs', () => connection(active, closedHalf('kill'))],
  ])('[F-3] a close by %s kills them and leaves no process', async (_side, closed) => {
    const agentId = await running();
    await policy.changed(closed());
    expect(await agents.get(agentId)).toMatchObject({ state: 'killed', reason: 'The connection was closed.' });
    expect(await agents.live(con)).toBe(0);
  });

  test('a close that says keep keeps them; a suspension touches nothing', async () => {
    const agentId = await running();
    await policy.changed(connection({ state: 'suspended', counter: 2 }, active));
    await policy.changed(connection(closedHalf('keep'), active));
    expect((await agents.get(agentId)).state).toBe('running');
    await agents.kill(agentId, admin, 'over');
  });

  test('[K-2] a kill that did not succeed at once is tried again', async () => {
    const agentId = await running();
    let calls = 0;
    const stubborn = Object.create(agents) as LocalAgents;
    stubborn.killAll = (...args) =>
      ++calls === 1 ? Promise.reject(new Error('the store is away')) : agents.killAll(...args);
    const retrying = made(stubborn);
    retrying.start();
    await expect(retrying.changed(connection(closedHalf('kill'), active))).rejects.toThrow('the store is away');
    await inState(agents, agentId, 'killed');
    retrying.stop();
  });

  describe('when the hub is not heard', () => {
    const lost = async (rule: GrantInput['hubLost']) => {
      await grants.set(con, { operations: [], hubLost: rule }, { actor: admin });
      const agentId = await running();
      await peers.start();
      expect(peers.peer(con)?.state).toBe('connecting');
      policy.start();
      return agentId;
    };

    test('[F-13] they are stopped after the time that the grant names, as lost and not as killed', async () => {
      const agentId = await lost({ stopAfterS: 45 });
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      expect((await agents.get(agentId)).state).toBe('running');
      nowMs = 46_000;
      const agent = await until('it to be stopped', async () => {
        const seen = await agents.get(agentId);
        return seen.state === 'failed' && seen;
      });
      expect(agent).toMatchObject({ exitReason: 'connection_lost' });
      expect(await agents.latches()).toEqual([]);
    });

    test('they go on under a grant that says continue', async () => {
      const agentId = await lost('continue');
      nowMs = 1e9;
      await new Promise((resolve) => setTimeout(resolve, 1_200));
      expect((await agents.get(agentId)).state).toBe('running');
      await agents.kill(agentId, admin, 'over');
    });
  });
});
