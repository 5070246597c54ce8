// How the peer of a connection is reached now, by this process or by another of the same instance.
import type { Reach } from '../connections/directory.js';
import type { LinkBoard } from './board.js';
import type { Peers } from './peers.js';

export function sharedReach(peers: Peers, board: LinkBoard): (connectionId: string) => Reach {
  return (id) => ({ ...reachOf(peers, id), connected: board.isAnywhere(id), heardAtMs: board.heardAt(id) });
}

function reachOf(peers: Peers, connectionId: string): Pick<Reach, 'circuit' | 'clockDifferenceS'> {
  const { circuit, clockDifferenceS } = peers.peer(connectionId) ?? {};
  return { circuit, clockDifferenceS };
}
