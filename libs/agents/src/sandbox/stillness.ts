// Sandbox room: an agent's processes held still, so that its files stay as they are while somebody reads them. A process that is stopped can
// be set going only by one that is not; so what counts is a look that finds all of them stopped, twice, and nobody born and gone between
// the looks. What cannot be shown to be still does not count as still.
import type { ProcessId } from './process.js';
import { signalProcess } from './process.js';
import { until, type Look } from './reaper.js';
import { everybody, Eye, stateOf, threadsOf } from './sight.js';

/** Processes that do nothing until they are let go. */
export interface Hold {
  /** Looks again: whether all of them still do nothing, and nobody has joined them. */
  isStill(): Promise<boolean>;
  /** Lets them go on. More than once is harmless. */
  release(): Promise<void>;
}

/** Nothing lives, so that nothing can move. */
export const nothingMoves: Hold = { isStill: () => Promise.resolve(true), release: () => Promise.resolve() };

const holdMsMax = 2_000;
const looksNeeded = 2;

/** Null when it was not possible in time: then all of them go on. */
export async function holdStill(look: Look): Promise<Hold | null> {
  const isEmpty = async () => everybody(await look()).length === 0;
  if (await isEmpty()) return { ...nothingMoves, isStill: isEmpty };
  const crowd = new Crowd(look);
  let quiet = 0;
  await until(holdMsMax, async () => {
    await crowd.stop();
    for (quiet = 0; quiet < looksNeeded && (await crowd.stop());) quiet += 1;
    return quiet >= looksNeeded;
  });
  if (quiet >= looksNeeded) return crowd;
  await crowd.release();
  return null;
}

class Crowd implements Hold {
  /** Those that we stopped: one that had stopped by itself is not ours to set going. */
  private readonly stopped = new Map<number, ProcessId>();
  private held = new Set<number>();
  private readonly eye: Eye;

  constructor(look: Look) {
    this.eye = new Eye(look);
  }

  /** Stops whoever moves; true when nobody did, and nobody can have been missed. */
  async stop(): Promise<boolean> {
    const { moving, isSure } = await this.sight();
    for (const process of moving) {
      this.stopped.set(process.pid, process);
      signalProcess(process, 'SIGSTOP');
    }
    return isSure && moving.length === 0;
  }

  async isStill(): Promise<boolean> {
    const before = this.held;
    let isStill = false;
    await until(holdMsMax, async () => {
      const first = await this.unmoved(before);
      const { isSure, isSame } = await this.unmoved(before);
      isStill = isSure && isSame && first.isSame;
      return isSure || !isSame || !first.isSame;
    });
    return isStill;
  }

  private async unmoved(before: ReadonlySet<number>): Promise<{ readonly isSure: boolean; readonly isSame: boolean }> {
    const { moving, isSure } = await this.sight();
    const isSame = moving.length === 0 && [...this.held].every((pid) => before.has(pid));
    return { isSure, isSame };
  }

  release(): Promise<void> {
    for (const process of [...this.stopped.values()].reverse()) signalProcess(process, 'SIGCONT');
    this.stopped.clear();
    return Promise.resolve();
  }

  private async sight(): Promise<{ readonly moving: readonly ProcessId[]; readonly isSure: boolean }> {
    const { people, isSure } = await this.eye.sight();
    this.held = new Set(people.map(({ pid }) => pid));
    return { moving: people.filter(({ pid }) => isMoving(pid)), isSure };
  }
}

/** Whether one of its threads may run. One that has just died has moved. */
function isMoving(pid: number): boolean {
  const states = threadsOf(pid).map(stateOf);
  return !states.every((state) => 'TtZXx'.includes(state)) || !states.some((state) => 'Tt'.includes(state));
}
