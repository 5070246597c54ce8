// What a command works with: its flags, a printer, a client to the instance it is for, and a question to the person.
import { confirm } from '@clack/prompts';
import type { Command } from 'commander';
import { RestClient } from '#client';
import { WritError } from '#protocol';
import { withContext } from './contexts.js';
import { exitCodes } from './exit.js';
import { locate } from './instances.js';
import type { Located, Nature } from './instances.js';
import { Printer } from './printer.js';
import { ownAuthorities } from './authorities.js';
import type { Flags, World } from './world.js';

export class Desk {
  readonly flags: Flags;
  readonly print: Printer;

  constructor(
    readonly world: World,
    command: Command,
  ) {
    this.flags = withContext(world, command.optsWithGlobals<Flags>());
    this.print = new Printer(world, this.flags.output);
  }

  locate(nature: Nature): Located {
    return locate(this.world, this.flags, nature);
  }

  /** Runs `work` with a client and closes it afterwards. */
  async with<T>(nature: Nature, work: (client: RestClient, located: Located) => Promise<T>): Promise<T> {
    const located = this.locate(nature);
    this.wait(`Waiting for ${located.role ?? 'the instance'} at ${located.url}`);
    await using client = new RestClient({
      url: located.url,
      key: located.key,
      ca: ownAuthorities(this.world, this.flags),
      signal: this.world.signal,
    });
    return await work(client, located);
  }

  /** Says what is waited for, to a person at a terminal, until something is printed. */
  wait(text: string): void {
    this.world.progress.show(text);
  }

  /** @throws WritError `invalid_request` where nobody can be asked and `yes` was not given; `forbidden` when the answer is no. */
  async confirm(question: string, yes: boolean | undefined): Promise<void> {
    if (yes) return;
    if (!this.world.interactive)
      throw new WritError('invalid_request', `${question} There is no terminal to ask on: look, then add --yes.`, {
        field: '--yes',
      });
    this.world.progress.clear();
    const answer = await confirm({ message: question, initialValue: false, output: process.stderr });
    if (answer !== true) throw new Declined();
  }

  /** The command is on its way: not done, not failed. */
  pending(): void {
    this.world.exitCode = exitCodes.pending;
  }

  /** What was given is not valid. */
  misused(): void {
    this.world.exitCode = exitCodes.usage;
  }

  failed(): void {
    this.world.exitCode = exitCodes.failed;
  }
}

/** The person said no: nothing was done. */
export class Declined extends Error {}

/** Collects an option that may be given several times. */
export function several(value: string, before: string[] = []): string[] {
  return [...before, value];
}
