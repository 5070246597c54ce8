// `writ gc`: what lies on a spoke's disk and belongs to no live agent.
import type { Command } from 'commander';
import type { GcItem, GcReport } from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import type { World } from '../world.js';

interface GcFlags {
  readonly dryRun?: true;
  readonly confirmReset?: true;
}

const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;
const workOf = ({ work }: GcItem) =>
  work ? `${work.dirty} dirty, ${work.unpushed} unpushed, ${work.unmerged} unmerged` : '';

const columns: Column<GcItem>[] = [
  { title: 'WHAT', value: ({ kind }) => kind },
  { title: 'OF', value: ({ id }) => id, whole: true },
  { title: 'OUTCOME', value: ({ outcome }) => outcome },
  { title: 'BYTES', value: ({ bytes }) => bytes, short: ({ bytes }) => mebibytes(bytes) },
  { title: 'WHY', value: ({ reason }) => reason, whole: true },
  { title: 'WORK', value: workOf },
  { title: 'KEPT AS', value: ({ keptAs }) => keptAs ?? '', whole: true },
];

/** The outcome of a dry run is said as what would be. */
function show(desk: Desk, report: GcReport): void {
  if (desk.print.form === 'json') {
    desk.print.json(report);
    return;
  }
  const items = report.items.map((item) => ({ ...item, outcome: spoken(item, report.dryRun) }) as GcItem);
  desk.print.list(items, columns, 'Nothing on disk belongs to an agent that is gone.');
  if (desk.print.form === 'plain') return;
  if (report.more > 0) desk.print.say(`… and ${report.more} more.`);
  const { freedBytes, diskBytes, diskBytesMax, dryRun } = report;
  const freed = `${mebibytes(freedBytes)} ${dryRun ? 'would be freed' : 'freed'}`;
  desk.print.say(`${freed}; ${mebibytes(diskBytes)} were on disk, ${mebibytes(diskBytesMax)} may be.`);
}

function spoken({ outcome }: GcItem, dryRun: boolean): string {
  return dryRun && outcome === 'removed' ? 'would go' : outcome;
}

const examples = `
Work is kept under a ref of the mirror before a worktree is removed. Nothing of a live agent is touched.

Examples:
  writ gc --dry-run          # what would go, and why the rest stays
  writ gc
  writ gc --confirm-reset    # the store was reset or restored on purpose: what it does not know may go`;

export function addGc(program: Command, world: World): void {
  program
    .command('gc')
    .description("Remove what is on this spoke's disk and belongs to no live agent (admin)")
    .option('--dry-run', 'only say what would be removed')
    .option('--confirm-reset', 'the store was reset, restored or replaced on purpose; grace counts from now')
    .addHelpText('after', examples)
    .action(async (flags: GcFlags, command: Command) => {
      const desk = new Desk(world, command);
      const { dryRun = false, confirmReset = false } = flags;
      const report = await desk.with('spoke', ({ housekeeping }) => {
        desk.wait('Looking through the disk of the spoke');
        return housekeeping.gc({ dryRun, confirmReset });
      });
      show(desk, report);
      if (report.advice !== undefined) world.err(`${report.advice}\n`);
      if (report.items.some(({ outcome }) => outcome === 'skipped')) desk.failed();
    });
}
