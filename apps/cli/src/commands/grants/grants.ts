// `writ grants`: what a spoke lets a hub do, looked at, checked and changed.
import type { Command } from 'commander';
import { grantJsonSchema, readGrant } from '#protocol';
import { Desk } from '../../desk.js';
import type { World } from '../../world.js';
import { change } from './change.js';
import type { ChangeFlags } from './change.js';
import { editedGrant } from './editor.js';
import { grantFrom, grantOf, takesGrant } from './flags.js';
import type { GrantFlags } from './flags.js';
import { grantLines } from './lines.js';
import { faultLines, grantText } from './text.js';

async function show(hub: string, desk: Desk): Promise<void> {
  const found = await desk.with('spoke', (client) => client.hubs.grant(hub));
  const { version, grant, edited } = found;
  const by = edited && `${edited.at} by ${edited.actor.kind}:${edited.actor.id}`;
  desk.print.one(found, [['version', version], ['written', by], ['why', edited?.reason], ...grantLines(grant)]);
}

function validate(file: string, desk: Desk): void {
  const reading = readGrant(grantText(file));
  if (desk.print.form === 'json') desk.print.json(reading.ok ? { ...reading, faults: [] } : reading);
  else if (reading.ok) desk.print.say('It is a grant.');
  else for (const line of faultLines(reading.faults)) desk.print.say(line);
  if (!reading.ok) desk.misused();
}

/** What every change takes. */
function takesChange(command: Command): Command {
  return command
    .option('--reason <text>', 'why; it goes into the records')
    .option('--yes', 'do not ask')
    .option('--dry-run', 'only say what would change')
    .option('--expect <version>', 'refuse when the grant is not at this version; the one in force by default');
}

const setExamples = `
Examples:
  writ grants set hub-1 --allow worker --repo "https://github.com/acme/*" --dry-run
  writ grants show hub-1 -o json | jq .grant > grant.json && writ grants set hub-1 --grant grant.json --yes`;
const editExamples = `
Examples:
  EDITOR="code --wait" writ grants edit hub-1 --reason "two more repositories"
  writ grants edit hub-1 --file grant.json --expect 4 --yes
  jq '.concurrentMax = 2' grant.json | writ grants edit hub-1 --file - --yes`;

function addChanges(grants: Command, world: World): void {
  takesChange(grants.command('edit <hub>'))
    .description('Edit the grant of a hub in $VISUAL or $EDITOR, see what it changes, and confirm')
    .option('--file <file>', 'take this text instead of an editor; `-` reads standard input')
    .addHelpText('after', editExamples)
    .action((hub: string, options: ChangeFlags & { file?: string }, command: Command) => {
      const desk = new Desk(world, command);
      const { file } = options;
      return change(desk, hub, options, (before) =>
        file === undefined ? editedGrant(desk, before) : { grant: grantOf(grantText(file), file) },
      );
    });
  takesChange(takesGrant(grants.command('set <hub>')))
    .description('Replace the grant of a hub by what the flags say, at once')
    .addHelpText('after', setExamples)
    .action((hub: string, options: GrantFlags & ChangeFlags, command: Command) =>
      change(new Desk(world, command), hub, options, () => ({ grant: grantFrom(options) })),
    );
}

export function addGrants(program: Command, world: World): void {
  const grants = program.command('grants').description('What this spoke lets a hub do: allow-lists and ceilings only');
  grants
    .command('show <hub>')
    .description('Show the grant of a hub, and who wrote it')
    .action((hub: string, _options, command: Command) => show(hub, new Desk(world, command)));
  addChanges(grants, world);
  grants
    .command('validate <file>')
    .description('Check a grant without any instance: every fault with what is allowed there; `-` reads standard input')
    .action((file: string, _options, command: Command) => validate(file, new Desk(world, command)));
  grants
    .command('schema')
    .description('Print the JSON Schema of a grant, for an editor')
    .action(() => world.out(`${JSON.stringify(grantJsonSchema(), null, 2)}\n`));
}
