// `writ context`: instances by name, so that nobody types addresses and keys.
import type { Command } from 'commander';
import { WritError } from '#protocol';
import { contextName, readContexts, unknown, writeContexts, type Context, type Contexts } from '../contexts.js';
import { Printer, type Column } from '../printer.js';
import type { Flags, World } from '../world.js';

interface Shown {
  readonly name: string;
  readonly where: string;
  readonly hasKey: boolean;
  readonly current: boolean;
}

const columns: Column<Shown>[] = [
  { title: '', value: ({ current }) => (current ? '*' : '') },
  { title: 'NAME', value: ({ name }) => name },
  { title: 'INSTANCE', value: ({ where }) => where },
  { title: 'KEY', value: ({ hasKey }) => (hasKey ? 'kept' : '-') },
];

const examples = `
Examples:
  WRIT_API_KEY=… writ context add berlin --url https://hub.example.org --use
  writ ps                                # of berlin from now on
  writ ps --context lab                  # this once of another
  writ context use --none                # the instance of this machine again`;

export function addContext(program: Command, world: World): void {
  const group = program
    .command('context')
    .description('Hubs and spokes by name: an address with its key, kept for you alone')
    .addHelpText('after', examples);
  const flagsOf = (command: Command) => command.optsWithGlobals<Flags>();
  const sees = (command: Command) => new Printer(world, flagsOf(command).output);
  group
    .command('list', { isDefault: true })
    .description('The contexts; * is the current one')
    .action((_options: unknown, command: Command) => {
      sees(command).list(shown(readContexts(world)), columns, 'There are no contexts: see `writ context add --help`.');
    });
  group
    .command('add')
    .argument('<name>')
    .option('--use', 'make it the current one')
    .description('Keep --url (or --state), --ca and --key (or WRIT_API_KEY) under a name; one of that name is replaced')
    .action((name: string, { use }: { use?: boolean }, command: Command) => {
      const all = readContexts(world);
      const contexts = { ...all.contexts, [named(name)]: contextOf(world, flagsOf(command)) };
      writeContexts(world, { ...all, contexts, ...(use && { current: name }) });
      sees(command).say(use ? `${name} is the current context.` : `Kept. Use it with --context ${name}.`);
    });
  group
    .command('use')
    .argument('[name]')
    .option('--none', 'none: the instance of this machine, or what flags and environment name')
    .description('Make one the current context')
    .action((name: string | undefined, { none }: { none?: boolean }, command: Command) => {
      const all = readContexts(world);
      if ((name === undefined) !== (none === true))
        throw new WritError('invalid_request', 'Name a context, or give --none.', { field: 'name' });
      if (name !== undefined && !all.contexts[name]) throw unknown(name, all.contexts);
      writeContexts(world, { contexts: all.contexts, ...(name !== undefined && { current: name }) });
      sees(command).say(name === undefined ? 'No context is current.' : `${name} is the current context.`);
    });
  group
    .command('remove')
    .argument('<name>')
    .description('Forget one, with its key')
    .action((name: string, _options: unknown, command: Command) => {
      const { current, contexts } = readContexts(world);
      if (!contexts[name]) throw unknown(name, contexts);
      const left = Object.fromEntries(Object.entries(contexts).filter(([one]) => one !== name));
      writeContexts(world, { contexts: left, ...(current !== undefined && current !== name && { current }) });
      sees(command).say(`${name} is forgotten.`);
    });
}

function named(name: string): string {
  if (contextName.safeParse(name).success) return name;
  throw new WritError('invalid_request', 'A name has letters, digits, dots and dashes, 64 at most.', { field: 'name' });
}

/** @throws WritError `invalid_request` when no instance is named */
function contextOf({ env }: World, flags: Flags): Context {
  const { url, state, ca, on, key = env.WRIT_API_KEY } = flags;
  if (url === undefined && state === undefined)
    throw new WritError('invalid_request', 'Name the instance with --url or --state.', { field: '--url' });
  if (url !== undefined && !/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new WritError('invalid_request', 'The address is an http or https URL.', { field: '--url' });
  return { url, state, ca, on, key };
}

/** Keys are never shown. */
function shown({ current, contexts }: Contexts): Shown[] {
  return Object.entries(contexts).map(([name, { url, state, key }]) => {
    return { name, where: url ?? state ?? '', hasKey: key !== undefined, current: name === current };
  });
}
