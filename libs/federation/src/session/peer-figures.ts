// How this instance stands with each of its peers, as figures.
import { jointState } from '../connections/connection.js';
import type { Peer } from './peer.js';
import type { Peers } from './peers.js';

/** Of those that should be heard: not of what is pending, nor of what has ended. `lag`: events of a connection that its hub has not acknowledged, or the hub has not read. */
export function figuresOf(peers: Peers, lag: (connectionId: string) => Promise<number>) {
  return peers
    .list()
    .filter(shouldBeHeard)
    .map((peer) => ({
      ...{ name: peer.connection.peer.name, connection: peer.id, isHeard: peer.state === 'ready' },
      ...{ heardAtMs: peer.lastHeardAt, roundTripMs: peer.roundTripMs, waiting: peer.waiting },
      isCircuitOpen: peer.circuit !== 'closed',
      lag: () => lag(peer.id),
    }));
}

function shouldBeHeard({ connection }: Peer): boolean {
  const state = jointState(connection);
  return state === 'active' || state === 'suspended';
}
