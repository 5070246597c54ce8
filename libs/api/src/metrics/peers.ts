// What hub and spoke both measure of those they are connected with.
import type { Labels, MetricDefinition, Metrics, Reading } from './metrics.js';

const labels = ['peer', 'connection'] as const;

export const peerMetrics = {
  connected: { name: 'writ_peer_connected', kind: 'gauge', help: 'Whether the peer is heard: 1 or 0.', labels },
  silence: { name: 'writ_peer_silence_seconds', kind: 'gauge', help: 'How long the peer has not been heard.', labels },
  roundTrip: {
    name: 'writ_peer_round_trip_seconds',
    kind: 'gauge',
    help: 'From a message to what answered it, the last time: a question of a hub, an acknowledged journal message of a spoke.',
    labels,
  },
  waiting: {
    name: 'writ_peer_requests_waiting',
    kind: 'gauge',
    help: 'Requests that the peer has not answered yet.',
    labels,
  },
  circuit: {
    name: 'writ_peer_circuit_open',
    kind: 'gauge',
    help: 'Whether requests are held back because the peer does not answer: 1 or 0.',
    labels,
  },
  lag: {
    name: 'writ_journal_lag_events',
    kind: 'gauge',
    help: 'On a spoke: events that the hub has not acknowledged. On a hub: events that came and are not in the fleet view yet.',
    labels,
  },
} as const satisfies Record<string, MetricDefinition>;

export interface PeerFigures {
  readonly name: string;
  readonly connection: string;
  readonly isHeard: boolean;
  /** Epoch milliseconds. */
  readonly heardAtMs: number | undefined;
  readonly roundTripMs: number | undefined;
  readonly waiting: number;
  readonly isCircuitOpen: boolean;
  readonly lag: () => Promise<number>;
}

export function measurePeers(
  metrics: Metrics,
  peers: () => readonly PeerFigures[],
  now: () => number = Date.now,
): void {
  const read = (definition: MetricDefinition, figure: (peer: PeerFigures) => number | undefined) =>
    metrics.read(definition, () => rows(peers(), figure));
  const { connected, silence, roundTrip, waiting, circuit, lag } = peerMetrics;
  read(connected, ({ isHeard }) => Number(isHeard));
  read(silence, ({ heardAtMs }) => (heardAtMs === undefined ? undefined : Math.max(0, now() - heardAtMs) / 1_000));
  read(roundTrip, ({ roundTripMs }) => (roundTripMs === undefined ? undefined : roundTripMs / 1_000));
  read(waiting, (peer) => peer.waiting);
  read(circuit, ({ isCircuitOpen }) => Number(isCircuitOpen));
  metrics.read(lag, () => Promise.all(peers().map(async (peer) => [labelsOf(peer), await peer.lag()] as const)));
}

function* rows(peers: readonly PeerFigures[], figure: (peer: PeerFigures) => number | undefined): Reading {
  for (const peer of peers) {
    const value = figure(peer);
    if (value !== undefined) yield [labelsOf(peer), value];
  }
}

function labelsOf({ name, connection }: PeerFigures): Labels {
  return { peer: name, connection };
}
