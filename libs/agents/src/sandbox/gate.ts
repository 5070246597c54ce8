// Sandbox room: starts a program that can do nothing before its record is on disk. A shell stands at the gate: it waits for a
// line from us and only then becomes the program; when we die first, it reads the end of the pipe and goes away.
import type { Duplex, Readable, Writable } from 'node:stream';
import { WritError } from '#protocol';
import { startProcess } from '../processes/current.js';
import type { StartedProcess } from '../processes/starter.js';
import type { ProcessEnd } from './sandbox.js';
import { isAlive, type ProcessId } from './process.js';

/** Descriptors of the launched program beyond stdio. All are closed again before the agent's own program runs. */
const gateFd = 3;
export const argumentsFd = 4;
export const statusFd = 5;
export const blockFd = 6;
export const filterFd = 7;

const gateScript = 'read -r go <&3 || exit 125; exec 3<&-; exec "$@"';
const statusBytesMax = 65_536;
const announceMsMax = 10_000;

/** Stands in the environment of everything that is started for a launch, up to the agent's own program. */
export function launchMarker(launchId: string): string {
  return `WRIT_LAUNCH=${launchId}`;
}

interface Input {
  readonly fd: number;
  readonly data: string | Buffer;
}

export interface Command {
  readonly argv: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  /** What the program reads from other descriptors than stdin, each to its end: nothing of it shows in the process table. */
  readonly inputs?: readonly Input[];
  /** The program tells on `statusFd` that its namespace exists, and waits on `blockFd` before it runs the agent's. */
  readonly announces?: boolean;
}

/** A process behind the gate, and the ways to let it go on. */
export class GatedProcess {
  readonly end: Promise<ProcessEnd>;
  readonly outer: ProcessId;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;

  private constructor(private readonly started: StartedProcess) {
    this.end = started.exit;
    this.outer = started.id;
    [this.stdin, this.stdout, this.stderr] = [0, 1, 2].map((fd) => this.#pipe(fd)) as [Duplex, Duplex, Duplex];
    if (!isAlive(this.outer)) throw new WritError('sandbox_unavailable', 'The sandbox ended before it began.');
  }

  /** The process exists and waits. */
  static async start({ argv, env, cwd, announces, inputs = [] }: Command, launchId: string): Promise<GatedProcess> {
    const spec = {
      argv: ['/bin/sh', '-c', gateScript, 'sh', ...argv] as const,
      env: { ...env, WRIT_LAUNCH: launchId },
      cwd,
      pipes: 1 + Math.max(gateFd, announces ? blockFd : 0, ...inputs.map(({ fd }) => fd)),
    };
    const started = await startProcess(spec).catch((cause: unknown) => {
      throw new WritError('sandbox_unavailable', 'The spoke could not start a process.', { cause });
    });
    const gated = new GatedProcess(started);
    for (const { fd, data } of inputs) gated.#pipe(fd).end(data);
    return gated;
  }

  open(): void {
    this.#pipe(gateFd).end('go\n');
  }

  /** The first line of what the program says about its namespace; null when it ended, or let its time pass, without a word. */
  async announcement(): Promise<string | null> {
    const timer = setTimeout(() => this.#pipe(statusFd).destroy(), announceMsMax);
    let said = '';
    try {
      for await (const piece of this.#pipe(statusFd).iterator({ destroyOnReturn: false })) {
        said += String(piece);
        if (said.includes('\n')) return said.slice(0, said.indexOf('\n'));
        if (said.length > statusBytesMax) return null;
      }
    } catch {
      // Destroyed by the timer.
    } finally {
      clearTimeout(timer);
    }
    return null;
  }

  unblock(): void {
    this.#pipe(statusFd).resume();
    this.#pipe(blockFd).end('\n');
  }

  #pipe(fd: number): Duplex {
    const pipe = this.started.pipes[fd];
    if (!pipe) throw new WritError('internal', 'A sandbox was started without one of its pipes.');
    return pipe;
  }
}
