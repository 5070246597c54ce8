// The hubs of a spoke: their links, how they are named, what becomes of their agents, and what other processes of this spoke do.
import type { LocalAgents } from '#agents';
import { Calls, Trust } from '#api';
import { Directory, LinkBoard, PeerTrust, Peers, sharedReach } from '#federation';
import { operationNames } from '#protocol';
import { SharedAgents } from '../agents/shared.agents.js';
import type { GrantsService } from '../grants/grants.service.js';
import { ConnectionPolicy } from '../hubs/connection.policy.js';
import { HubsService } from '../hubs/hubs.service.js';
import { HubLeases } from '../hubs/leases.js';
import type { Ground } from './ground.js';

export interface Partners {
  readonly peers: Peers;
  readonly board: LinkBoard;
  readonly directory: Directory;
  readonly calls: Calls;
  /** As a hub reaches them: those of this process, or of all processes on the store. */
  readonly agents: LocalAgents | SharedAgents;
  readonly hubs: HubsService;
  readonly policy: ConnectionPolicy;
  readonly trust: Trust;
}

export function openPartners(ground: Ground, own: LocalAgents): Partners {
  const { store, grants, records, failed } = ground;
  const peers = peersOf(ground);
  const board = new LinkBoard(store, ground.replicas, peers, failed);
  const directory = new Directory(records.connections, sharedReach(peers, board));
  grants.changed = (id) => void peers.peer(id)?.greet();
  const policy = new ConnectionPolicy({ agents: own, grants, peers, board, leases: new HubLeases(store), failed });
  return {
    ...{ peers, board, directory, policy, ...callsOf(ground, own) },
    hubs: hubsOf(ground, directory, own),
    trust: trustOf(ground, peers, directory),
  };
}

function peersOf({ identity, store, records, addresses: policy, broker, log, config, grants }: Ground): Peers {
  return new Peers({
    ...{ identity, store, records, source: records.journal, ops: operationNames, policy, broker, log },
    heardMs: config.heardMs,
    grantOf: async (id) => stated(await grants.find(id)),
  });
}

/** Processes of one spoke ask each other for agents that are not theirs. */
function callsOf({ store, replicas, failed }: Ground, own: LocalAgents): Pick<Partners, 'calls' | 'agents'> {
  const calls: Calls = new Calls(store, replicas, (name, args) => shared.answerCall(name, args), failed);
  const shared = new SharedAgents(own, replicas, calls);
  return { calls, agents: replicas.isShared ? shared : own };
}

function hubsOf({ config, records, grants, acts }: Ground, directory: Directory, own: LocalAgents): HubsService {
  const { name, publicUrl: url } = config;
  const link = url === undefined ? { kind: 'outbound' as const } : { kind: 'direct' as const, url };
  const pulse = { live: (id: string) => own.live(id), journal: (id: string) => records.journal.view(id) };
  return new HubsService(records.pairing, records.connections, directory, grants, acts, pulse, { name, link });
}

function trustOf({ identity, records, broker, acts, log }: Ground, peers: Peers, directory: Directory): Trust {
  const known = new PeerTrust({ receipts: records.receipts, identity, peers, directory, broker });
  return new Trust({ keys: identity, acts, alarms: records.alarms, peers: known, log });
}

function stated(held: Awaited<ReturnType<GrantsService['find']>>) {
  return held ? { gv: held.version, grant: held.grant } : null;
}
