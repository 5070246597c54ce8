// What a hub measures of the commands it carries: how many are open, for how long, and how they end.
import type { MetricDefinition, Metrics } from '#api';
import type { CommandRecord } from '../commands/command.js';
import type { CommandsService } from '../commands/commands.service.js';

/** A kill waits up to a day for its spoke: what is beyond the last is a matter for `writ_command_oldest_seconds`. */
const buckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60, 300];

export const commandMetrics = {
  open: {
    name: 'writ_commands_open',
    kind: 'gauge',
    help: 'Commands of the outbox that have not ended and that this process carries, by operation.',
    labels: ['op'],
  },
  oldest: {
    name: 'writ_command_oldest_seconds',
    kind: 'gauge',
    help: 'How long the oldest of these is on its way.',
    labels: ['op'],
  },
  seconds: {
    name: 'writ_command_seconds',
    kind: 'histogram',
    help: 'From an order (the first, of what was ordered again) to its end: `delivered`, `failed`, or `timed_out`, of which nobody knows. A kill (`agent.kill`, `agents.kill`) is delivered when the spoke has found nothing alive or has said what is left.',
    labels: ['op', 'outcome'],
    buckets,
  },
} as const satisfies Record<string, MetricDefinition>;

const paged = ['agent.kill', 'agents.kill'].flatMap((op) =>
  ['delivered', 'failed', 'timed_out'].map((outcome) => ({ op, outcome })),
);

export function measureCommands(
  metrics: Metrics,
  commands: Pick<CommandsService, 'onTheirWay' | 'observe'>,
  now: () => number = Date.now,
): void {
  const took = metrics.histogram(commandMetrics.seconds, paged);
  commands.observe(({ op, state, createdAtMs, settledAtMs = now() }) =>
    took({ op, outcome: state }, Math.max(0, settledAtMs - createdAtMs) / 1_000),
  );
  const byOp = (figure: (of: readonly CommandRecord[]) => number) => () =>
    [...Map.groupBy(commands.onTheirWay(), ({ op }) => op)].map(([op, of]) => [{ op }, figure(of)] as const);
  const first = (of: readonly CommandRecord[]) => of.reduce((ms, one) => Math.min(ms, one.createdAtMs), now());
  metrics.read(
    commandMetrics.open,
    byOp((of) => of.length),
  );
  metrics.read(
    commandMetrics.oldest,
    byOp((of) => (now() - first(of)) / 1_000),
  );
}
