// The way out of a run, tried until it is gone: nothing left alive, and the end on record.
import { setTimeout as pause } from 'node:timers/promises';
import type { AgentRecord } from '../lifecycle/record.js';
import type { Ending } from '../lifecycle/states.js';
import type { Kit, RunParts } from './kit.js';

/** Between two tries to stop or to record what ended. */
const RETRY_MS = [200, 1_000, 5_000, 15_000, 30_000] as const;

export class Departure {
  private stuck = Promise.withResolvers<number>();
  private isAbandoned = false;

  constructor(
    private readonly parts: Pick<RunParts, 'deps' | 'saga'>,
    private readonly kit: Pick<Kit, 'agent' | 'cell'>,
  ) {}

  /** How many processes the next try to stop leaves, if it leaves any. */
  nextSurvivors(): Promise<number> {
    return this.stuck.promise;
  }

  /** Leaves what could not be stopped or recorded to the next start of the spoke. */
  abandon(): void {
    this.isAbandoned = true;
  }

  /** Tries until a look finds nothing: until then the agent is alive and keeps its place. [S-7] [L-7] */
  async emptied(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const left = await this.emptyOnce();
      if (left === 0) return;
      this.stuck.resolve(left);
      this.stuck = Promise.withResolvers<number>();
      await this.retryPause(tries);
    }
  }

  /** Not tied to any signal: a report of the end is made also while everything shuts down. [L-12] */
  async recorded(ending: Ending): Promise<AgentRecord> {
    const { agentId } = this.kit.agent;
    for (let tries = 0; ; tries++) {
      try {
        return await this.parts.saga.end(agentId, ending);
      } catch (cause) {
        this.parts.deps.log.error({ cause, agentId }, 'an end could not be recorded; it is tried again');
        await this.retryPause(tries);
      }
    }
  }

  private async emptyOnce(): Promise<number> {
    const { agentId } = this.kit.agent;
    try {
      return await this.kit.cell.empty(agentId, this.parts.deps.options.graceMs);
    } catch (cause) {
      this.parts.deps.log.error({ cause, agentId }, 'a sandbox could not be stopped; it is tried again');
      return 1;
    }
  }

  private async retryPause(tries: number): Promise<void> {
    if (this.isAbandoned) throw new Error('abandoned: the next start of the spoke takes over');
    await pause(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)], undefined, { ref: false });
  }
}
