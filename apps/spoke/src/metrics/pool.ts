// What a spoke shows of its warm pool.
import type { MetricDefinition, Metrics } from '#api';
import type { LocalAgents } from '#agents';

export const poolMetrics = {
  poolPlaces: { name: 'writ_pool_places', kind: 'gauge', help: 'Warm backends that there may be.', labels: [] },
  poolBackends: {
    name: 'writ_pool_backends',
    kind: 'gauge',
    help: 'Warm backends that there are, by state: `leased` is busy, `quarantined` would not end and is tried again.',
    labels: ['state'],
  },
  poolWaiting: { name: 'writ_pool_waiting', kind: 'gauge', help: 'Turns that wait for a warm place.', labels: [] },
  poolCreated: { name: 'writ_pool_created_total', kind: 'counter', help: 'Backends that were made.', labels: [] },
  poolEvicted: {
    name: 'writ_pool_evicted_total',
    kind: 'counter',
    help: 'Backends that went before their session: unused for too long (`idle`), their place was wanted (`capacity`), others came under their key (`replaced`).',
    labels: ['reason'],
  },
  poolHanded: {
    name: 'writ_pool_handed_total',
    kind: 'counter',
    help: 'Backends that were handed to a turn: kept from the one before (`warm`) or made for it (`cold`).',
    labels: ['how'],
  },
} as const satisfies Record<string, MetricDefinition>;

const states = ['opening', 'leased', 'idle', 'probing', 'closing', 'quarantined'] as const;

export function measurePool(metrics: Metrics, agents: Pick<LocalAgents, 'pool'>): void {
  const alone = (definition: MetricDefinition, value: () => number) => metrics.read(definition, () => [[{}, value()]]);
  alone(poolMetrics.poolPlaces, () => agents.pool().max);
  alone(poolMetrics.poolWaiting, () => agents.pool().waiting);
  alone(poolMetrics.poolCreated, () => agents.pool().opened);
  metrics.read(poolMetrics.poolBackends, () => {
    const { entries } = agents.pool();
    return states.map((state) => [{ state }, entries.filter((entry) => entry.state === state).length]);
  });
  metrics.read(poolMetrics.poolEvicted, () =>
    Object.entries(agents.pool().evicted).map(([reason, count]) => [{ reason }, count]),
  );
  metrics.read(poolMetrics.poolHanded, () => {
    const { opened, reused } = agents.pool();
    return [
      [{ how: 'warm' }, reused],
      [{ how: 'cold' }, opened],
    ];
  });
}
