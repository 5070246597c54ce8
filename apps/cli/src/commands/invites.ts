// `writ invites` and `writ refuse`: who was asked to join, and those who are not wanted after all (on a hub).
import type { Command } from 'commander';
import type { Invite } from '#protocol';
import { Desk } from '../desk.js';
import type { Column } from '../printer.js';
import type { World } from '../world.js';

const columns: Column<Invite>[] = [
  { title: 'INVITE', value: ({ id }) => id },
  { title: 'STATE', value: ({ state }) => state },
  { title: 'USED BY', value: ({ usedBy }) => usedBy ?? '-' },
  { title: 'CREATED', value: ({ createdAt }) => createdAt },
  { title: 'EXPIRES', value: ({ expiresAt }) => expiresAt },
];

export function addInvites(program: Command, world: World): void {
  const invites = program.command('invites').description('The invites of the last day (on a hub)');
  invites
    .command('list', { isDefault: true })
    .description('Who made them is among the acts; the lines themselves are kept nowhere')
    .action(async (_options: unknown, command: Command) => {
      const desk = new Desk(world, command);
      desk.print.list(await desk.with('hub', (client) => client.invites.list()), columns, 'No invites: writ invite');
    });
  invites
    .command('revoke <invite>')
    .description('Revoke an invite that nobody has used, at once')
    .action(async (id: string, _options: unknown, command: Command) => {
      const desk = new Desk(world, command);
      await desk.with('hub', (client) => client.invites.revoke(id));
      desk.print.say(`Revoked ${id}.`);
    });
  program
    .command('refuse <spoke>')
    .description('Refuse a spoke that waits to be accepted, for good (on a hub)')
    .option('--reason <text>', 'why; it goes into the records')
    .action(async (name: string, { reason }: { reason?: string }, command: Command) => {
      const desk = new Desk(world, command);
      const spoke = await desk.with('hub', (client) => client.spokes.refuse(name, { reason }));
      desk.print.one(spoke, [
        ['spoke', spoke.name],
        ['state', spoke.state],
      ]);
    });
}
