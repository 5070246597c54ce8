// The checkpoint of the next turn, made while the session rests, so that nobody waits for it. Then it is watched: as long as nothing of the
// agent has run since its files were found as they were kept, the turn can begin without another look at them.
//
//   begin → held still: prepared → let go → at rest, and found as prepared (calm) ⇄ something ran → … until it is taken over, or halted
import { setTimeout as pause } from 'node:timers/promises';
import type { AgentsLog } from '../deps.js';
import type { Calm } from '../sandbox/calm.js';
import type { Hold } from '../sandbox/stillness.js';
import type { Checkpoints } from '../worktrees/checkpoints/checkpoints.js';

/** Between two looks at whether it is calm still; a look again at the files costs a start of git. */
const watchMs = { first: 100, most: 120_000 };

export interface AheadParts {
  readonly agentId: string;
  readonly checkpoints: Checkpoints;
  readonly hold: () => Promise<Hold | null>;
  /** A moment in which nothing of it runs, if there is one now and it can be told. */
  readonly calm: () => Promise<Calm | null>;
  /** What the next backend would go on from. */
  readonly memory: () => Promise<string | undefined>;
  readonly time: () => string;
  readonly signal: AbortSignal;
  readonly log: AgentsLog;
}

interface Work {
  readonly turn: number;
  readonly stop: AbortController;
  /** When what is held still has been let go; false when nothing was kept. Never rejects. */
  readonly prepared: Promise<boolean>;
  /** Never rejects. */
  watched: Promise<void>;
  calm: Calm | null;
}

export class Ahead {
  private work?: Work;

  constructor(private readonly parts: AheadParts) {}

  begin(turn: number): void {
    const stop = new AbortController();
    const signal = AbortSignal.any([this.parts.signal, stop.signal]);
    const prepared = this.prepare(turn, signal).catch((cause: unknown) => this.failed(cause, signal));
    const work: Work = { turn, stop, prepared, watched: Promise.resolve(), calm: null };
    work.watched = prepared.then((isPrepared) => (isPrepared ? this.watch(work, signal) : undefined));
    this.work = work;
  }

  /** When nothing is held still for it any more. */
  async released(): Promise<void> {
    await this.work?.prepared;
  }

  /** Whether the turn may begin as it was prepared: nothing can have changed. What is under way is waited for, the watch is over. */
  async isSureOf(turn: number): Promise<boolean> {
    const { work } = this;
    await work?.prepared;
    const isSure = work?.turn === turn && work.calm?.lasts() === true;
    await this.halt();
    return isSure;
  }

  /** Nothing of it is under way any more. */
  async halt(): Promise<void> {
    const { work } = this;
    this.work = undefined;
    work?.stop.abort();
    await work?.watched;
  }

  /** Unlike at the beginning of a turn nothing is ended for it. */
  private async prepare(turn: number, signal: AbortSignal): Promise<boolean> {
    const { agentId, checkpoints, hold, memory, time } = this.parts;
    const held = await hold();
    if (!held) return false;
    try {
      const unmoved = () => held.isStill();
      const wish = { turn, before: 'turn', at: time(), memory: await memory(), unmoved, signal } as const;
      return await checkpoints.prepare(agentId, wish);
    } finally {
      await held.release();
    }
  }

  private async watch(work: Work, signal: AbortSignal): Promise<void> {
    try {
      for (let pauseMs = watchMs.first; ; pauseMs = Math.min(pauseMs * 2, watchMs.most)) {
        if (!work.calm?.lasts() && !(await this.calmed(work, signal))) return;
        await pause(pauseMs, undefined, { ref: false, signal });
      }
    } catch (cause) {
      this.failed(cause, signal);
    }
  }

  /** False when the files are not as they were prepared: there is nothing left to watch. */
  private async calmed(work: Work, signal: AbortSignal): Promise<boolean> {
    const { agentId, checkpoints, calm, memory } = this.parts;
    work.calm = null;
    const now = await calm();
    if (!now) return true;
    const isSo = await checkpoints.isAsPrepared(agentId, { turn: work.turn, memory: await memory(), signal });
    const hasLasted = now.lasts();
    if (isSo && hasLasted) work.calm = now;
    return isSo || !hasLasted;
  }

  private failed(cause: unknown, signal: AbortSignal): false {
    const { log, agentId } = this.parts;
    if (!signal.aborted) log.warn({ cause, agentId }, 'the checkpoint of the next turn was not made ahead');
    return false;
  }
}
