// What may come next: commands, options, values that are declared, and names that the instance knows.
import type { Command } from 'commander';
import { optionsOf, placeOf } from './place.js';

/** What an instance can be asked for. */
export type Known = 'agent' | 'spoke' | 'hub' | 'peer' | 'context';
export type AskKnown = (what: Known) => Promise<readonly string[]>;

/** By the option that takes one. */
const ofOption: Readonly<Record<string, Known>> = { spoke: 'spoke', context: 'context' };

/** Sorted; none where the shell had better offer files. */
export async function candidates(program: Command, words: readonly string[], ask: AskKnown): Promise<string[]> {
  const { command, current, valueOf, argument } = placeOf(program, words);
  const fits = (all: readonly string[]) => all.filter((one) => one.startsWith(current)).sort();
  if (valueOf) return fits(valueOf.argChoices ?? (await asked(ofOption[valueOf.attributeName()], ask)));
  if (current.startsWith('-')) return fits(optionNames(command));
  const commands = command.commands.map((one) => one.name()).filter((name) => !name.startsWith('_'));
  const named = argument?.argChoices ?? (await asked(knownOf(argument?.name(), command), ask));
  return fits([...commands, ...named]);
}

function optionNames(command: Command): string[] {
  const long = optionsOf(command).flatMap(({ long, hidden }) => (long && !hidden ? [long] : []));
  return [...new Set([...long, '--help'])];
}

function knownOf(argument: string | undefined, command: Command): Known | undefined {
  if (command.parent?.name() === 'context' && argument === 'name') return 'context';
  return (['agent', 'spoke', 'hub', 'peer'] as const).find((one) => one === argument);
}

async function asked(what: Known | undefined, ask: AskKnown): Promise<readonly string[]> {
  return what ? ask(what) : [];
}
