// What hub and spoke both measure of their webhooks.
import type { MetricDefinition, Metrics, Reading } from '../metrics/metrics.js';
import type { Tally } from './courier.js';
import type { Webhooks } from './webhooks.js';

const labels = ['webhook'] as const;

export const webhookMetrics = {
  tries: {
    name: 'writ_webhook_tries_total',
    kind: 'counter',
    help: 'Events that this process has sent to a webhook, by what came of it: `delivered`, or `failed` and tried again.',
    labels: ['webhook', 'outcome'],
  },
  missing: {
    name: 'writ_webhook_missing_total',
    kind: 'counter',
    help: 'Events that a webhook was told are no longer kept, because it was too far behind.',
    labels,
  },
  failing: {
    name: 'writ_webhook_failing_seconds',
    kind: 'gauge',
    help: 'For how long the next event of a webhook has not been taken; 0 while all is well.',
    labels,
  },
} as const satisfies Record<string, MetricDefinition>;

export function measureWebhooks(metrics: Metrics, webhooks: Webhooks): void {
  const { tries, missing, failing } = webhookMetrics;
  metrics.read(tries, () => webhooks.tallies().flatMap(([webhook, tally]) => [...triesOf(webhook, tally)]));
  metrics.read(missing, () => webhooks.tallies().map(([webhook, tally]) => [{ webhook }, tally.missing] as const));
  metrics.read(failing, async () =>
    (await webhooks.failingSeconds()).map(([webhook, seconds]) => [{ webhook }, seconds] as const),
  );
}

function triesOf(webhook: string, { delivered, failed }: Readonly<Tally>): Reading {
  return Object.entries({ delivered, failed }).map(([outcome, count]) => [{ webhook, outcome }, count] as const);
}
