// Which gits this process has started, as Node itself tells of every child: none of our own code is asked.
import type { ChildProcess } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';

export class GitStarts {
  private children: ChildProcess[] = [];
  private readonly heard = (message: unknown): void =>
    void this.children.push((message as { process: ChildProcess }).process);

  constructor() {
    subscribe('child_process', this.heard);
  }

  /** Their commands, in order, since this was called last. */
  take(): readonly string[] {
    const taken = this.commands();
    this.children = [];
    return taken;
  }

  commands(): readonly string[] {
    return this.children.flatMap(({ spawnargs }) => commandOf(spawnargs));
  }

  /** Whether all of them are over. */
  areOver(): boolean {
    const gits = this.children.filter(({ spawnargs }) => commandOf(spawnargs).length > 0);
    return gits.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null);
  }

  close(): void {
    unsubscribe('child_process', this.heard);
  }
}

/** What stands after git's own options. */
function commandOf(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('git');
  if (at < 0) return [];
  const rest = argv.slice(at + 1);
  const command = rest.find((word, index) => !word.startsWith('-') && rest[index - 1] !== '-c');
  return command === undefined ? [] : [command];
}
