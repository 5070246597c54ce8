// Ids that begin with a dash: one in 64 does, being base64url, and a parser of options would take it for one. Such an argument is
// parsed behind a character that no argument can have, and handed on without it.
import type { Command } from 'commander';

/** 16 or 32 bytes, base64url. One that begins with two dashes is told from an option by `--` before it. */
const dashed = /^-[A-Za-z0-9_](?:[A-Za-z0-9_-]{20}|[A-Za-z0-9_-]{41})$/;
const shield = '\0';

export function shielded(argv: readonly string[]): readonly string[] {
  return argv.map((argument) => (dashed.test(argument) ? shield + argument : argument));
}

/** Every action of the program sees what was typed. */
export function unshield(program: Command): Command {
  return program.hook('preAction', (_program, command) => {
    command.processedArgs.splice(0, Infinity, ...command.processedArgs.map(bare));
    for (const [name, value] of Object.entries(command.opts()))
      command.setOptionValueWithSource(name, bare(value), command.getOptionValueSource(name));
  });
}

function bare(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(bare);
  return typeof value === 'string' && value.startsWith(shield) ? value.slice(shield.length) : value;
}
