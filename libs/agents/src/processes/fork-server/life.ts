// Processes room: one life of the fork server.
//
//   order → its pipes arrive, then its pid → running → exit told
//     └── the fork server dies or falls silent: orders are refused, what runs is killed by pid and start time [K-12]
import { fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { within } from '../../lifecycle/within.js';
import { signalProcess, type ProcessId } from '../../sandbox/process.js';
import type { ProcessSpec, StartedProcess } from '../starter.js';
import { sealed } from '../strays.js';
import { RemoteChild } from './child.js';
import type { Doorway } from './doorway.js';
import type { Failure, ForkServerWord, StartOrder } from './words.js';

const closeMsMax = 2_000;
/** Its heap never grows: it keeps nothing but the numbers of its children. */
const execArgv = ['--max-old-space-size=64', '--max-semi-space-size=1', '--disable-warning=ExperimentalWarning'];

interface Order {
  readonly started: (id: ProcessId) => void;
  readonly failed: (error: Error) => void;
}

export class Life {
  readonly over: Promise<void>;
  #isOver = false;
  #orders = 0;
  /** Asked for and not yet handed out. */
  #starting = 0;
  readonly #pending = new Map<number, Order>();
  readonly #running = new Map<number, RemoteChild>();
  /** What ended before its pipes had arrived. */
  readonly #ended = new Map<number, Parameters<RemoteChild['ended']>[0]>();
  readonly #server: ChildProcess;

  constructor(
    private readonly doorway: Doorway,
    /** A fork server that has not started a process within this time hangs: it is ended, and the next start has another. */
    private readonly startMsMax: number,
  ) {
    // A session of its own: an interrupt from the terminal is for the spoke. No environment: no secret is in it.
    const stdio = sealed(['ignore', 'ignore', 'inherit', 'ipc']) as ['ignore', 'ignore', 'inherit', 'ipc'];
    this.#server = fork(program(), [doorway.path], { execArgv, env: {}, cwd: '/', stdio, detached: true });
    this.#server.unref();
    this.#server.on('message', (word: ForkServerWord) => this.#hear(word));
    this.#server.on('error', () => this.#lost());
    this.#server.once('exit', () => this.#lost());
    this.over = new Promise((resolve) => this.#server.once('exit', () => resolve()).once('error', () => resolve()));
    this.#hold();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get pid(): number | undefined {
    return this.#server.pid;
  }

  async start({ argv, env, cwd, pipes }: ProcessSpec): Promise<StartedProcess> {
    const expected = Array.from({ length: pipes }, () => this.doorway.expect());
    const words = expected.map(({ word }) => word);
    const order = (this.#orders += 1);
    this.#hold((this.#starting += 1));
    try {
      const id = await this.#order({ order, argv, env, cwd, pipes: words });
      return this.#run(order, id, await this.#arrived(id, expected));
    } catch (error) {
      this.doorway.refuse(words);
      for (const { pipe } of expected) void pipe.then((late) => late.destroy());
      throw error;
    } finally {
      this.#hold((this.#starting -= 1));
    }
  }

  /** What still runs is killed. */
  async close(): Promise<void> {
    if (this.#server.connected) this.#server.disconnect();
    const timer = setTimeout(() => this.#server.kill('SIGKILL'), closeMsMax);
    await this.over;
    clearTimeout(timer);
  }

  /** They were laid before the process was made; without descriptors left on our side they never come. */
  async #arrived(id: ProcessId, expected: readonly { readonly pipe: Promise<Socket> }[]): Promise<Socket[]> {
    try {
      return await within(
        this.startMsMax,
        'Laying the pipes of a process',
        Promise.all(expected.map(({ pipe }) => pipe)),
      );
    } catch (error) {
      signalProcess(id, 'SIGKILL', 'group');
      throw error;
    }
  }

  #order(order: StartOrder): Promise<ProcessId> {
    if (this.#isOver) return Promise.reject(lost());
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => this.#server.kill('SIGKILL'), this.startMsMax);
      const settled =
        <T>(settle: (outcome: T) => void) =>
        (outcome: T) => {
          clearTimeout(late);
          settle(outcome);
        };
      this.#pending.set(order.order, { started: settled(resolve), failed: settled(reject) });
      this.#server.send(order, (error) => error && this.#server.kill('SIGKILL'));
    });
  }

  #run(order: number, id: ProcessId, pipes: Socket[]): StartedProcess {
    const child = new RemoteChild(id, pipes);
    const end = this.#ended.get(order);
    this.#ended.delete(order);
    if (end) child.ended(end);
    else if (this.#isOver) child.orphaned();
    else this.#running.set(order, child);
    return child;
  }

  #hear(word: ForkServerWord): void {
    const order = this.#pending.get(word.order);
    if ('pid' in word) order?.started({ pid: word.pid, start: word.start });
    else if ('failure' in word) order?.failed(errorOf(word.failure));
    else this.#exited(word);
    this.#pending.delete(word.order);
    this.#hold();
  }

  #exited({ order, code, signal }: Extract<ForkServerWord, { code: unknown }>): void {
    const child = this.#running.get(order);
    this.#running.delete(order);
    if (child) child.ended({ code, signal });
    else this.#ended.set(order, { code, signal });
  }

  #lost(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { failed } of this.#pending.values()) failed(lost());
    for (const child of this.#running.values()) child.orphaned();
    this.#pending.clear();
    this.#running.clear();
  }

  /** Keeps our process up while something is asked of it, and only then. */
  #hold(starting = this.#starting): void {
    const channel = this.#server.channel;
    if (starting + this.#running.size > 0) channel?.ref();
    else channel?.unref();
  }
}

/** As built, or its source, whose types Node strips. */
function program(): string {
  const built = fileURLToPath(new URL('./main.js', import.meta.url));
  return existsSync(built) ? built : built.replace(/\.js$/, '.ts');
}

function lost(): Error {
  return new Error('The fork server ended before the process was started.');
}

/** As if it had been thrown here. */
function errorOf({ message, ...rest }: Failure): Error {
  return Object.assign(new Error(message), rest);
}
