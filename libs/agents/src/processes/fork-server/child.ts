// Processes room: one process that the fork server started, as the spoke sees it.
import type { Duplex } from 'node:stream';
import { signalProcess, type ProcessId } from '../../sandbox/process.js';
import type { ProcessEnd } from '../../sandbox/sandbox.js';
import type { StartedProcess } from '../starter.js';

export class RemoteChild implements StartedProcess {
  readonly exit: Promise<ProcessEnd>;
  readonly closed: Promise<ProcessEnd>;
  readonly #exit = Promise.withResolvers<ProcessEnd>();

  constructor(
    readonly id: ProcessId,
    readonly pipes: readonly Duplex[],
  ) {
    this.exit = this.#exit.promise;
    const read = pipes.slice(1, 3).map(closing);
    this.closed = this.exit.then((end) => Promise.all(read).then(() => end));
  }

  /** Told by the fork server. As with a child of our own, nothing more can be written to it, and what nobody reads is let go. */
  ended(end: ProcessEnd): void {
    this.#exit.resolve(end);
    this.pipes[0]?.destroy();
    for (const pipe of this.pipes.slice(3)) if (pipe.readable) pipe.resume();
  }

  /** Nobody would tell its end any more. */
  orphaned(): void {
    signalProcess(this.id, 'SIGKILL', 'group');
    this.ended({ code: null, signal: 'SIGKILL' });
  }
}

function closing(pipe: Duplex): Promise<void> {
  return new Promise((resolve) => pipe.once('close', () => resolve()));
}
