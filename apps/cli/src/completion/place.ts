// Where on the command line somebody stands, read off the commands as they are declared.
import type { Argument, Command, Option } from 'commander';

export interface Place {
  readonly command: Command;
  /** What is being typed; often empty. */
  readonly current: string;
  /** The option whose value is being typed. */
  readonly valueOf?: Option | undefined;
  /** The argument that is being typed, where the command takes one more. */
  readonly argument?: Argument | undefined;
}

/** `words`: all after `writ`, the last one as far as it was typed. */
export function placeOf(program: Command, words: readonly string[]): Place {
  const [current = '', ...before] = [...words].reverse();
  let command = program;
  let valueOf: Option | undefined;
  let taken = 0;
  for (const word of before.reverse()) {
    if (valueOf) valueOf = undefined;
    else if (word.startsWith('-')) valueOf = wanting(command, word);
    else {
      const next = taken === 0 ? command.commands.find((one) => one.name() === word) : undefined;
      if (next) command = next;
      else taken += 1;
    }
  }
  const all = command.registeredArguments;
  return { command, current, valueOf, argument: all[taken] ?? (all.at(-1)?.variadic ? all.at(-1) : undefined) };
}

/** The option of that name that still wants its value, of the command or of those above it. */
function wanting(command: Command, word: string): Option | undefined {
  if (word.includes('=')) return undefined;
  const found = optionsOf(command).find(({ long, short }) => word === long || word === short);
  return found && (found.required || found.optional) ? found : undefined;
}

/** Its own, and those that every command takes. */
export function optionsOf(command: Command): readonly Option[] {
  return command.parent ? [...command.options, ...optionsOf(command.parent)] : command.options;
}
