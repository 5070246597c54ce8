// Processes room: the port by which everything on this machine is started. What is started gets exactly what is named here.
import type { Duplex } from 'node:stream';
import type { ProcessEnd } from '../sandbox/sandbox.js';
import type { ProcessId } from '../sandbox/process.js';

export interface ProcessSpec {
  /** A program with its arguments, never a shell string. Without a slash it is looked up in `env.PATH`. */
  readonly argv: readonly [string, ...string[]];
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** How many descriptors it has from 0 on, each a pipe in both directions: 3 or more. It has no others of ours. */
  readonly pipes: number;
}

/** A process in a session of its own: no signal to our process group reaches it, none of its own reaches us. */
export interface StartedProcess {
  readonly id: ProcessId;
  /** Our ends, by descriptor. */
  readonly pipes: readonly Duplex[];
  /** Never rejects. `SIGKILL` also when whoever started it for us died: then it was ended. */
  readonly exit: Promise<ProcessEnd>;
  /** The exit, told when its output and its complaints have been read to their ends. */
  readonly closed: Promise<ProcessEnd>;
}

export abstract class ProcessStarter {
  /** @throws the error of `child_process.spawn` (`code`, `syscall`, `path`) when the program cannot be started. */
  abstract start(spec: ProcessSpec): Promise<StartedProcess>;
}

/** A process may end before it has read everything; its end says enough. */
export function ignoreBrokenPipe(): void {
  return;
}
