// What a hub measures: the agents of its fleet, its commands, and how it stands with its spokes.
import { measurePeers, measureStanding, measureWebhooks, type MetricDefinition, type Metrics } from '#api';
import { figuresOf } from '#federation';
import type { Hub } from '../hub.js';
import { commandMetrics, measureCommands } from './commands.js';

export const hubMetrics = {
  live: {
    name: 'writ_agents_live',
    kind: 'gauge',
    help: 'Agents of the fleet that have not ended, by state, as far as the journals say.',
    labels: ['state'],
  },
  ...commandMetrics,
} as const satisfies Record<string, MetricDefinition>;

const live = ['spawning', 'running'] as const;

export function measureHub(metrics: Metrics, { own: { fleet, commands }, partners, services }: Hub): void {
  metrics.read(hubMetrics.live, async () => {
    const counts = [...(await fleet.counts()).values()];
    return live.map((state) => [{ state }, counts.reduce((sum, one) => sum + one[state], 0)]);
  });
  measureCommands(metrics, commands);
  measureStanding(metrics, { role: 'hub', gateway: services.gateway, trust: partners.trust });
  measurePeers(metrics, () => figuresOf(partners.peers, (id) => fleet.lag(id)));
  measureWebhooks(metrics, services.webhooks);
}
