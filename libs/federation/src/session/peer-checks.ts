// What a doctor has to say of peers beyond their keys: clocks that are too far apart, and peers that do not answer.
import type { Check } from '#protocol';
import { clockWords } from './clock-words.js';
import type { Peer } from './peer.js';
import type { Peers } from './peers.js';

/** One for each peer with which something is wrong; nothing otherwise. */
export function peerChecks(peers: Peers): Check[] {
  return peers.list().flatMap((peer) => [...clockCheck(peer), ...circuitCheck(peer)]);
}

function clockCheck({ connection, clockDifferenceS: differenceS }: Peer): Check[] {
  if (differenceS === undefined) return [];
  const detail = `${connection.peer.name}: ${clockWords(differenceS)}`;
  return [{ name: 'clock', outcome: 'warning', detail, cure: 'Set both clocks (NTP): timedatectl set-ntp true.' }];
}

function circuitCheck({ connection, circuit }: Peer): Check[] {
  if (circuit === 'closed') return [];
  const detail = `${connection.peer.name} is connected and has not answered several times in a row.`;
  return [
    {
      name: 'circuit',
      outcome: 'warning',
      detail,
      cure: 'See its log, or ask its admin; it is tried again by itself.',
    },
  ];
}
