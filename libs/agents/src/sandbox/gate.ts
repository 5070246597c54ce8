// Sandbox room: starts a program that can do nothing before its record is on disk. A shell stands at the gate: it waits for a
// line from us and only then becomes the program; when we die first, it reads the end of the pipe and goes away.
import type { ChildProcess, StdioOptions } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { WritError } from '#protocol';
import type { ProcessEnd } from './sandbox.js';
import type { ProcessId } from './process.js';
import { identify } from './process.js';

/** Descriptors of the launched program beyond stdio. All are closed again before the agent's own program runs. */
const gateFd = 3;
export const argumentsFd = 4;
export const statusFd = 5;
export const blockFd = 6;
export const filterFd = 7;

const gateScript = 'read -r go <&3 || exit 125; exec 3<&-; exec "$@"';
const closeOnExec = 0o2000000;
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

/** Our child behind the gate, and the ways to let it go on. */
export class GatedProcess {
  readonly end: Promise<ProcessEnd>;
  readonly outer: ProcessId;

  private constructor(
    readonly child: ChildProcess,
    pid: number,
  ) {
    this.end = new Promise((resolve) => child.once('exit', (code, signal) => resolve({ code, signal })));
    const outer = identify(pid);
    if (!outer) throw new WritError('sandbox_unavailable', 'The sandbox ended before it began.');
    this.outer = outer;
  }

  /** The process exists and waits. It has its own session: no signal to our process group reaches it, none of its own reaches us. */
  static async start(command: Command, launchId: string): Promise<GatedProcess> {
    const child = spawn('/bin/sh', ['-c', gateScript, 'sh', ...command.argv], {
      cwd: command.cwd,
      env: { ...command.env, WRIT_LAUNCH: launchId },
      detached: true,
      stdio: descriptors(command),
    });
    for (const stream of child.stdio) stream?.on('error', ignoreBrokenPipe);
    await once(child, 'spawn').catch((cause: unknown) => {
      throw new WritError('sandbox_unavailable', 'The spoke could not start a process.', { cause });
    });
    for (const { fd, data } of command.inputs ?? []) pipe(child, fd).end(data);
    return new GatedProcess(child, child.pid ?? 0);
  }

  open(): void {
    pipe(this.child, gateFd).end('go\n');
  }

  /** The first line of what the program says about its namespace; null when it ended, or let its time pass, without a word. */
  async announcement(): Promise<string | null> {
    const timer = setTimeout(() => pipe(this.child, statusFd).destroy(), announceMsMax);
    let said = '';
    try {
      for await (const piece of pipe(this.child, statusFd).iterator({ destroyOnReturn: false })) {
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
    pipe(this.child, statusFd).resume();
    pipe(this.child, blockFd).end('\n');
  }
}

function pipe(child: ChildProcess, fd: number): Duplex {
  return child.stdio[fd] as Duplex;
}

/** A program may end before it has read everything; its end says enough. */
function ignoreBrokenPipe(): void {
  return;
}

/**
 * Node closes what it opened itself; descriptors that our own parent left open would go through to the agent.
 * Each of those is replaced by /dev/null.
 */
function descriptors({ announces, inputs }: Command): StdioOptions {
  const pipes = Math.max(gateFd, announces ? blockFd : 0, ...(inputs ?? []).map(({ fd }) => fd));
  const stdio: ('pipe' | 'ignore' | number)[] = Array.from({ length: pipes + 1 }, () => 'pipe');
  for (const fd of strays()) {
    if (fd <= pipes) continue;
    while (stdio.length < fd) stdio.push('ignore');
    stdio[fd] = nothing();
  }
  return stdio;
}

let strayFds: readonly number[] | undefined;

/** Open descriptors without close-on-exec. They can only have come from our parent: looked for once. */
function strays(): readonly number[] {
  strayFds ??= readdirSync('/proc/self/fdinfo').map(Number).filter(isStray);
  return strayFds;
}

function isStray(fd: number): boolean {
  if (fd <= 2) return false;
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    // The descriptor of this very listing.
    return false;
  }
}

let devNull: number | undefined;

function nothing(): number {
  devNull ??= openSync('/dev/null', 'r+');
  return devNull;
}
