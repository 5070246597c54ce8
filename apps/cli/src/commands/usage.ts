// `writ usage`: what a spoke has spent, by hub, repository or day.
import type { Command } from 'commander';
import { usageQuery, WritError, type UsageQuery, type UsageReport } from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import { takesWatch } from '../watch.js';
import type { World } from '../world.js';

type Row = UsageReport['rows'][number];

const columns: Column<Row>[] = [
  { title: 'OF', value: ({ key }) => key },
  { title: 'AGENTS', value: ({ agents }) => agents },
  { title: 'TURNS', value: ({ turns }) => turns },
  { title: 'IN', value: ({ inputTokens }) => inputTokens },
  { title: 'OUT', value: ({ outputTokens }) => outputTokens },
  { title: 'CACHE READ', value: ({ cacheReadTokens }) => cacheReadTokens },
  { title: 'CACHE WRITE', value: ({ cacheWriteTokens }) => cacheWriteTokens },
  { title: 'USD', value: ({ moneyMicroUsd }) => (moneyMicroUsd / 1e6).toFixed(6) },
  { title: 'WALL TIME', value: ({ wallMs }) => `${Math.round(wallMs / 1_000)} s` },
];

function questionOf(flags: UsageQuery): UsageQuery {
  const parsed = usageQuery.safeParse(flags);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const field = `--${issue?.path.join('.') ?? ''}`;
  throw new WritError('invalid_request', `${field}: ${issue?.message ?? 'is not valid'}`, { field });
}

export function addUsage(program: Command, world: World): void {
  takesWatch(program.command('usage'), world)
    .description('What this spoke has spent: agents, tokens, money, wall time; today by default')
    .option('--from <day>', 'first day (UTC), as 2026-11-01')
    .option('--to <day>', 'last day (UTC), today by default')
    .option('--by <what>', 'hub, repository or day', 'day')
    .addHelpText('after', '\nExamples:\n  writ usage --from 2026-11-01 --by hub\n  writ usage -o json | jq .total')
    .action(async ({ from, to, by }: UsageQuery, command: Command) => {
      const desk = new Desk(world, command);
      const report = await desk.with('spoke', (client) => client.usage.report(questionOf({ from, to, by })));
      if (desk.print.form === 'json') {
        desk.print.json(report);
        return;
      }
      const total = report.rows.length > 1 ? [{ key: 'total', ...report.total }] : [];
      desk.print.list([...report.rows, ...total], columns, `Nothing was spent from ${report.from} to ${report.to}.`);
    });
}
