// `writ events`: what happens, one line an event, from a cursor on and over cuts, until Ctrl-C.
import { type Command, Option } from 'commander';
import type { Happened } from '#client';
import { Desk } from '../desk.js';
import { harmless } from '../printer.js';
import type { World } from '../world.js';

interface EventsFlags {
  readonly since?: string;
  readonly from?: 'now';
  readonly type?: string;
}

function show(desk: Desk, happened: Happened): void {
  if (desk.print.form === 'json') {
    desk.print.jsonLine(happened);
    return;
  }
  const { cursor, event, spoke = '-' } = happened;
  desk.world.out(`${[event.time, spoke, event.type, event.subject, cursor].map(harmless).join('\t')}\n`);
}

async function events(desk: Desk, { since, from, type }: EventsFlags): Promise<void> {
  const missed = ({ missing, spoke }: { readonly missing: number; readonly spoke?: string }) =>
    desk.world.err(`${missing} events${spoke === undefined ? '' : ` of ${harmless(spoke)}`} are no longer kept\n`);
  await desk.with('either', async (client) => {
    for await (const happened of client.agents.events(since ?? (from && { from }), desk.world.signal, missed))
      if (type === undefined || happened.event.type === type) show(desk, happened);
  });
}

const examples = `
Examples:
  writ events                                # from the first that is kept, then live
  writ events --from now                     # what happens from now on
  writ events --type agent.failed -o json    # one JSON a line
  writ events --since CURSOR                 # after the last that you had`;

export function addEvents(program: Command, world: World): void {
  program
    .command('events')
    .description('What happens, as it happens: time, spoke, type, agent and a cursor to go on from')
    .option('--since <cursor>', 'after the event with this cursor')
    .addOption(new Option('--from <place>', 'leave out what happened before').choices(['now']).conflicts('since'))
    .option('--type <type>', 'events of this type only, as agent.completed')
    .addHelpText('after', examples)
    .action((flags: EventsFlags, command: Command) => events(new Desk(world, command), flags));
}
