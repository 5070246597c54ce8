// What a spoke counts and measures: its agents, its warm pool, what was spent, and how it stands with its hubs.
import { measurePeers, measureStanding, measureWebhooks, type MetricDefinition, type Metrics } from '#api';
import { figuresOf } from '#federation';
import type { Spoke } from '../spoke.js';
import { agentMetrics, measureAgents } from './agents.js';
import { measurePool, poolMetrics } from './pool.js';
import { measureSpending, spendingMetrics } from './spending.js';

export { countAgents } from './agents.js';

export const spokeMetrics = {
  ...agentMetrics,
  ...poolMetrics,
  ...spendingMetrics,
} as const satisfies Record<string, MetricDefinition>;

/** What is looked at when somebody asks. */
export function measureSpoke(metrics: Metrics, spoke: Spoke): void {
  const { own, services, partners, ground } = spoke;
  measureAgents(metrics, own.agents, ground.config.agents.agentsMax);
  measurePool(metrics, own.agents);
  measureSpending(metrics, spoke);
  measureStanding(metrics, { role: 'spoke', gateway: services.gateway, trust: partners.trust });
  measurePeers(metrics, () => figuresOf(partners.peers, (id) => ground.records.journal.unacknowledged(id)));
  measureWebhooks(metrics, services.webhooks);
}
