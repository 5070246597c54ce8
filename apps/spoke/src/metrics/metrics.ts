// What a spoke counts and measures: its agents, its warm pool, what was spent, and how it stands with its hubs.
import { measurePeers, type MetricDefinition, type Metrics } from '#api';
import type { AgentsObserver, LocalAgents } from '#agents';
import type { Spoke } from '../spoke.js';

const killBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60];
/** Hubs that are shown by name; what others have spent is `others`. */
const hubsMax = 100;

export const spokeMetrics = {
  live: { name: 'writ_agents_live', kind: 'gauge', help: 'Agents that have not ended, by state.', labels: ['state'] },
  kills: {
    name: 'writ_kill_seconds',
    kind: 'histogram',
    help: 'From a kill of one agent (`agent`), of a scope (`all`) or of a lost hub’s agents (`lost`) to its report, which comes after a look has found nothing alive.',
    labels: ['scope'],
    buckets: killBuckets,
  },
  cleanups: {
    name: 'writ_cleanup_steps_total',
    kind: 'counter',
    help: 'Steps of clean-ups that were tried, by what came of them; what failed is tried again.',
    labels: ['step', 'outcome'],
  },
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
  spent: {
    name: 'writ_spent_today_usd',
    kind: 'gauge',
    help: 'What the agents of a hub, or the spoke’s own (`local`), have spent since midnight UTC.',
    labels: ['hub'],
  },
  tokens: {
    name: 'writ_spent_today_tokens',
    kind: 'gauge',
    help: 'Their tokens, read and written, cached ones included.',
    labels: ['hub'],
  },
} as const satisfies Record<string, MetricDefinition>;

const live = ['spawning', 'running'] as const;

/** What happens among agents, counted. */
export function countAgents(metrics: Metrics): AgentsObserver {
  const killed = metrics.histogram(spokeMetrics.kills);
  const cleaned = metrics.counter(spokeMetrics.cleanups);
  return {
    killed: (scope, seconds) => killed({ scope }, seconds),
    cleaned: (step, outcome) => cleaned({ step, outcome }),
  };
}

/** What is looked at when somebody asks. */
export function measureSpoke(metrics: Metrics, { agents, usage, peers, records }: Spoke): void {
  metrics.read(spokeMetrics.live, async () => {
    const counts = await agents.counts();
    return live.map((state) => [{ state }, counts[state]]);
  });
  measurePool(metrics, agents);
  const spent = async () => (await usage.report({ by: 'hub' })).rows.sort((a, b) => b.moneyMicroUsd - a.moneyMicroUsd);
  const byHub = (rows: Awaited<ReturnType<typeof spent>>, figure: (row: (typeof rows)[number]) => number) => {
    const sums = new Map<string, number>();
    for (const [place, row] of rows.entries()) {
      const hub = place < hubsMax ? row.key : 'others';
      sums.set(hub, (sums.get(hub) ?? 0) + figure(row));
    }
    return [...sums].map(([hub, sum]) => [{ hub }, sum] as const);
  };
  metrics.read(spokeMetrics.spent, async () => byHub(await spent(), (row) => row.moneyMicroUsd / 1_000_000));
  metrics.read(spokeMetrics.tokens, async () => byHub(await spent(), tokensOf));
  measurePeers(metrics, () =>
    peers.list().map((peer) => ({
      ...{ name: peer.connection.peer.name, connection: peer.id, isHeard: peer.state === 'ready' },
      ...{ heardAtMs: peer.lastHeardAt, roundTripMs: peer.roundTripMs, waiting: peer.waiting },
      isCircuitOpen: peer.circuit !== 'closed',
      lag: () => records.journal.unacknowledged(peer.id),
    })),
  );
}

function measurePool(metrics: Metrics, agents: Pick<LocalAgents, 'pool'>): void {
  const states = ['opening', 'leased', 'idle', 'probing', 'closing', 'quarantined'] as const;
  const alone = (definition: MetricDefinition, value: () => number) => metrics.read(definition, () => [[{}, value()]]);
  alone(spokeMetrics.poolPlaces, () => agents.pool().max);
  alone(spokeMetrics.poolWaiting, () => agents.pool().waiting);
  alone(spokeMetrics.poolCreated, () => agents.pool().opened);
  metrics.read(spokeMetrics.poolBackends, () => {
    const { entries } = agents.pool();
    return states.map((state) => [{ state }, entries.filter((entry) => entry.state === state).length]);
  });
  metrics.read(spokeMetrics.poolEvicted, () =>
    Object.entries(agents.pool().evicted).map(([reason, count]) => [{ reason }, count]),
  );
  metrics.read(spokeMetrics.poolHanded, () => {
    const { opened, reused } = agents.pool();
    return [
      [{ how: 'warm' }, reused],
      [{ how: 'cold' }, opened],
    ];
  });
}

type Spending = Awaited<ReturnType<Spoke['usage']['report']>>['rows'][number];

function tokensOf({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Spending): number {
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
}
