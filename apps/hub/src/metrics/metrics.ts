// What a hub measures: the agents of its fleet, and how it stands with its spokes.
import { measurePeers, type MetricDefinition, type Metrics } from '#api';
import type { Hub } from '../hub.js';

export const hubMetrics = {
  live: {
    name: 'writ_agents_live',
    kind: 'gauge',
    help: 'Agents of the fleet that have not ended, by state, as far as the journals say.',
    labels: ['state'],
  },
} as const satisfies Record<string, MetricDefinition>;

const live = ['spawning', 'running'] as const;

export function measureHub(metrics: Metrics, { fleet, peers }: Pick<Hub, 'fleet' | 'peers'>): void {
  metrics.read(hubMetrics.live, async () => {
    const counts = [...(await fleet.counts()).values()];
    return live.map((state) => [{ state }, counts.reduce((sum, one) => sum + one[state], 0)]);
  });
  measurePeers(metrics, () =>
    peers.list().map((peer) => ({
      ...{ name: peer.connection.peer.name, connection: peer.id, isHeard: peer.state === 'ready' },
      ...{ heardAtMs: peer.lastHeardAt, roundTripMs: peer.roundTripMs, waiting: peer.waiting },
      isCircuitOpen: peer.circuit !== 'closed',
      lag: () => fleet.lag(peer.id),
    })),
  );
}
