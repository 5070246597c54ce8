// `writ commands`: what a hub has sent and how it ended. A command that timed out may still have been carried out.
import type { Command as Program } from 'commander';
import type { Command } from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import { takesWatch } from '../watch.js';
import type { World } from '../world.js';

const columns: Column<Command>[] = [
  { title: 'COMMAND', value: ({ commandId }) => commandId },
  { title: 'OPERATION', value: ({ op }) => op },
  { title: 'SPOKE', value: ({ spoke }) => spoke },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'AGENT', value: ({ agentId }) => agentId ?? '-', short: ({ agentId }) => agentId?.slice(0, 8) ?? '-' },
  { title: 'SENT', value: ({ createdAt }) => createdAt },
  { title: 'PROBLEM', value: ({ problem }) => problem?.detail ?? '' },
];

export function addCommands(program: Program, world: World): void {
  takesWatch(program.command('commands [command]'), world)
    .description('The commands of this hub, newest first, or one of them')
    .option('--status <state>', 'pending, delivered, failed or timed_out')
    .option('--spoke <name>', 'to one spoke')
    .action(async (id: string | undefined, flags: { status?: Command['state']; spoke?: string }, program: Program) => {
      const desk = new Desk(world, program);
      const { status: state, spoke } = flags;
      const found = await desk.with('hub', async ({ commands }) => {
        return id === undefined ? (await commands.list({ state, spoke })).commands : [await commands.get(id)];
      });
      desk.print.list(found, columns, 'No commands.');
      const [only] = id === undefined ? [] : found;
      if (only?.state === 'pending' || only?.state === 'timed_out') desk.pending();
      if (only?.state === 'failed') desk.failed();
    });
}
