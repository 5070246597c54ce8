// The spokes of a hub: their links, how they are named and trusted, and what other processes of this hub have of them.
import { Trust } from '#api';
import { Directory, Peers, PeerTrust, sharedReach } from '#federation';
import { openShared, type Shared } from '../shared.js';
import { Queries } from '../spokes/queries.js';
import { Spokes } from '../spokes/spokes.js';
import type { Ground } from './ground.js';

export interface Partners {
  readonly peers: Peers;
  readonly shared: Shared;
  readonly directory: Directory;
  readonly spokes: Spokes;
  readonly queries: Queries;
  readonly trust: Trust;
}

export function openPartners(ground: Ground): Partners {
  const { config, store, records, failed } = ground;
  const peers = peersOf(ground);
  const shared = openShared(config, store, peers, failed);
  const directory = new Directory(records.connections, sharedReach(peers, shared.board));
  const spokes = new Spokes(records.connections, directory, (id) => shared.board.heardAt(id));
  const trust = trustOf(ground, peers, directory);
  return { peers, shared, directory, spokes, queries: new Queries(shared.clients), trust };
}

function peersOf({ identity, store, records, addresses: policy, broker, log, config: { heardMs } }: Ground): Peers {
  return new Peers({ identity, store, records, sink: records.inbox, policy, broker, heardMs, log });
}

function trustOf({ identity, records, broker, acts, log }: Ground, peers: Peers, directory: Directory): Trust {
  const known = new PeerTrust({ receipts: records.receipts, identity, peers, directory, broker });
  return new Trust({ keys: identity, acts, alarms: records.alarms, peers: known, log });
}
