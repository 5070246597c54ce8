// `writ keys`: who may talk to an instance, and as what; and the keys with which it speaks itself.
import type { Command } from 'commander';
import { newApiKey, thumbprint } from '#protocol';
import type { ApiKey, ApiKeyCreate } from '#protocol';
import { Desk } from '../desk.js';
import type { World } from '../world.js';
import { addSigning, reasonOption, showSigning } from './signing.js';

const columns = [
  { title: 'ID', value: ({ id }: ApiKey) => id },
  { title: 'NAME', value: ({ name }: ApiKey) => name },
  { title: 'ROLE', value: ({ role }: ApiKey) => role },
  { title: 'CREATED', value: ({ createdAt }: ApiKey) => createdAt },
  { title: 'LAST USED', value: ({ lastUsedAt }: ApiKey) => lastUsedAt ?? 'never' },
];

export function addKeys(program: Command, world: World): void {
  const keys = program.command('keys').description('API keys of an instance (admin), and the keys with which it signs');
  keys
    .command('list', { isDefault: true })
    .description('The keys, without their secrets')
    .action(async (_options, command: Command) => {
      const desk = new Desk(world, command);
      desk.print.list(await desk.with('either', (client) => client.keys.list()), columns, 'No keys.');
    });
  keys
    .command('create <name>')
    .description('Make a key; it is shown this once')
    .option('--role <role>', 'viewer, operator or admin', 'viewer')
    .action(async (name: string, { role }: { role: ApiKeyCreate['role'] }, command: Command) => {
      const desk = new Desk(world, command);
      const made = await desk.with('either', (client) => client.keys.create({ name, role }));
      desk.print.one(made, [
        ['id', made.id],
        ['role', made.role],
        ['key', made.key],
      ]);
    });
  keys
    .command('revoke <id>')
    .description('Revoke an API key, or a key of `writ keys show`, at once')
    .option(...reasonOption)
    .action(async (id: string, { reason }: { reason: string }, command: Command) => {
      const desk = new Desk(world, command);
      if (thumbprint.safeParse(id).success) {
        showSigning(desk, await desk.with('either', (client) => client.signing.revoke({ kid: id, reason })));
        return;
      }
      await desk.with('either', (client) => client.keys.revoke(id));
      desk.print.say(`Revoked ${id}.`);
    });
  keys
    .command('generate')
    .description('Print a new key that no instance knows yet, for WRIT_ADMIN_KEY of a first start')
    .action(() => world.out(`${newApiKey()}\n`));
  addSigning(keys, world);
}
