// What was spent on a spoke today, and what may be: by each hub under its grant, and by all under the spoke's own budget.
import type { MetricDefinition, Metrics } from '#api';
import { jointState } from '#federation';
import type { Grant } from '#protocol';
import type { Spoke } from '../spoke.js';
import type { UsageService } from '../usage/usage.service.js';

/** Hubs that are shown by name; what others have spent is `others`. */
const hubsMax = 100;

export const spendingMetrics = {
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
  limit: {
    name: 'writ_spend_limit_usd',
    kind: 'gauge',
    help: 'What the agents of a hub may spend on one day by its grant; only of hubs that have such a limit.',
    labels: ['hub'],
  },
  tokenLimit: {
    name: 'writ_spend_limit_tokens',
    kind: 'gauge',
    help: 'The same in tokens.',
    labels: ['hub'],
  },
  budget: {
    name: 'writ_budget_usd',
    kind: 'gauge',
    help: 'What all agents of the spoke together may spend on one day; only where `budget` says so.',
    labels: [],
  },
  tokenBudget: { name: 'writ_budget_tokens', kind: 'gauge', help: 'The same in tokens.', labels: [] },
} as const satisfies Record<string, MetricDefinition>;

type Spending = Awaited<ReturnType<UsageService['report']>>['rows'][number];
type Spent = Pick<Spoke, 'ground'> & { readonly services: { readonly usage: UsageService } };

export function measureSpending(metrics: Metrics, { services: { usage }, ground }: Spent): void {
  const spent = async () => (await usage.report({ by: 'hub' })).rows.sort((a, b) => b.moneyMicroUsd - a.moneyMicroUsd);
  metrics.read(spendingMetrics.spent, async () => byHub(await spent(), (row) => usd(row.moneyMicroUsd)));
  metrics.read(spendingMetrics.tokens, async () => byHub(await spent(), tokensOf));
  metrics.read(spendingMetrics.limit, () => limits(ground, ({ moneyMicroUsd }) => optional(moneyMicroUsd, usd)));
  metrics.read(spendingMetrics.tokenLimit, () => limits(ground, ({ tokens }) => tokens));
  const { moneyMicroUsdPerDayMax, tokensPerDayMax } = ground.config.budget;
  metrics.read(spendingMetrics.budget, () => alone(optional(moneyMicroUsdPerDayMax, usd)));
  metrics.read(spendingMetrics.tokenBudget, () => alone(tokensPerDayMax));
}

const usd = (microUsd: number) => microUsd / 1_000_000;
const optional = (value: number | undefined, of: (value: number) => number) =>
  value === undefined ? undefined : of(value);
const alone = (value: number | undefined) => (value === undefined ? [] : [[{}, value] as const]);

function byHub(rows: readonly Spending[], figure: (row: Spending) => number) {
  const sums = new Map<string, number>();
  for (const [place, row] of rows.entries()) {
    const hub = place < hubsMax ? row.key : 'others';
    sums.set(hub, (sums.get(hub) ?? 0) + figure(row));
  }
  return [...sums].map(([hub, sum]) => [{ hub }, sum] as const);
}

/** Of a hub with several connections that whose limit is the smallest: what is spent is shown for all of them. */
async function limits(
  { records, grants }: Spoke['ground'],
  limitOf: (perDay: NonNullable<Grant['perDay']>) => number | undefined,
) {
  const least = new Map<string, number>();
  const open = (await records.connections.list()).filter((connection) => jointState(connection) !== 'closed');
  for (const { id, peer } of open) {
    const { grant } = grants.known(id) ?? (await grants.find(id)) ?? {};
    const limit = grant?.perDay && limitOf(grant.perDay);
    if (limit !== undefined) least.set(peer.name, Math.min(limit, least.get(peer.name) ?? limit));
  }
  return [...least].map(([hub, limit]) => [{ hub }, limit] as const);
}

function tokensOf({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Spending): number {
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
}
