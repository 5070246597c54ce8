// Sandbox room: one process tree from the gate to its end.
//
//   gated (outer recorded, in its groups) → announced (init recorded) → running → ended → forgotten
//     └─────── stop or abort at any point: SIGKILL, look until nothing is found ─────┘
import { PassThrough } from 'node:stream';
import { WritError } from '#protocol';
import { enterGroups } from './cgroups.js';
import type { Command } from './gate.js';
import { GatedProcess } from './gate.js';
import type { Launch, Ledger } from './ledger.js';
import type { ProcessId } from './process.js';
import type { Living } from './reaper.js';
import { kill } from './reaper.js';
import type { SandboxProcess } from './sandbox.js';

export class RunningLaunch {
  #gated?: GatedProcess;
  #init?: ProcessId;

  constructor(
    readonly id: string,
    private readonly agentId: string,
    private readonly ledger: Ledger,
    private readonly living: (launch: Launch) => Living,
  ) {}

  /**
   * Each step is on disk before the next may happen. When it throws, nothing is left.
   * A call-off is heeded between steps: a namespace that is just being made is safely killed only when its first process is known.
   */
  async start(
    command: Command,
    groups: readonly string[],
    called: AbortSignal,
    initOf: (outer: ProcessId, announcement: string) => ProcessId | null,
  ): Promise<void> {
    const gated = (this.#gated = await GatedProcess.start(command, this.id));
    try {
      await this.#record();
      await enterGroups(groups, gated.outer.pid);
      called.throwIfAborted();
      gated.open();
      if (command.announces) await this.#announce(gated, initOf);
      called.throwIfAborted();
    } catch (error) {
      await this.#kill();
      throw error;
    }
  }

  /** The end is told when nothing of this launch is left, so that whoever waits for it may take the worktree away. */
  handOver(signal: AbortSignal, enforced: readonly string[]): SandboxProcess {
    const { stdin, stdout, stderr, end: exit } = this.#here();
    const abort = (): void => void this.#kill().catch(() => undefined);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    const end = exit.then(async (end) => {
      signal.removeEventListener('abort', abort);
      await this.#kill().catch(() => undefined);
      return end;
    });
    // Node throws away what a dead child has left in its pipes when nobody reads them yet: these keep it, up to their buffers.
    return { stdin, stdout: stdout.pipe(new PassThrough()), stderr: stderr.pipe(new PassThrough()), end, enforced };
  }

  async #announce(gated: GatedProcess, initOf: (outer: ProcessId, said: string) => ProcessId | null): Promise<void> {
    const said = await gated.announcement();
    this.#init = (said === null ? null : initOf(gated.outer, said)) ?? undefined;
    if (!this.#init) throw new WritError('sandbox_unavailable', 'The sandbox ended before its namespace was made.');
    await this.#record();
    gated.unblock();
  }

  #record(): Promise<void> {
    return this.ledger.recordLaunch(this.agentId, this.#launch());
  }

  /** Keeps the record when something is left: for `survivors` and the next `stop`. */
  async #kill(): Promise<void> {
    const left = await kill(() => Promise.resolve(this.living(this.#launch())));
    if (left === 0) await this.ledger.forgetLaunch(this.agentId, this.id);
  }

  #launch(): Launch {
    return { id: this.id, outer: this.#here().outer, init: this.#init };
  }

  #here(): GatedProcess {
    if (!this.#gated) throw new WritError('internal', 'A launch was used before it was started.');
    return this.#gated;
  }
}
