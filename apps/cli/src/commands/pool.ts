// `writ pool`: what a spoke keeps warm between the turns of its sessions.
import type { Command } from 'commander';
import type { PoolResource } from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import { takesWatch } from '../watch.js';
import type { World } from '../world.js';

type Warm = PoolResource['warm'][number];

const columns: Column<Warm>[] = [
  { title: 'AGENT', value: ({ agentId }) => agentId, short: ({ agentId }) => agentId.slice(0, 8) },
  { title: 'SESSION', value: ({ session }) => session },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'IDLE', value: ({ idleMs }) => `${Math.round(idleMs / 1_000)} s` },
];

export function addPool(program: Command, world: World): void {
  takesWatch(program.command('pool'), world)
    .description('What this spoke keeps warm between the turns of its sessions')
    .action(async (_options: unknown, command: Command) => {
      const desk = new Desk(world, command);
      const pool = await desk.with('spoke', ({ agents }) => agents.pool());
      if (desk.print.form === 'json') desk.print.json(pool);
      else desk.print.list(pool.warm, columns, `Nothing is warm; there are ${pool.max} places.`);
    });
}
