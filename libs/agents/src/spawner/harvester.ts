// What an agent leaves in its worktree, committed once, when nothing of it lives any more.
import type { AgentsDeps } from '../deps.js';
import type { AgentRecord } from '../lifecycle/record.js';
import { within } from '../lifecycle/within.js';
import type { AgentProfile } from '../runtimes/runtime.js';
import type { Harvest } from '../worktrees/worktrees.js';
import { lacksRoom, noRoom } from './no-room.js';
import { aborted, Stop, theSpoke } from './stop.js';
import type { Turnstile } from './turnstile.js';

interface HarvesterParts {
  readonly deps: AgentsDeps;
  readonly ends: Turnstile;
  readonly agent: AgentRecord;
  readonly signal: AbortSignal;
  readonly stop: (stop: Stop) => void;
}

export class Harvester {
  /** Known once the names of the task are resolved; without it there is nothing to commit. */
  profile?: AgentProfile;
  private harvested?: Promise<Harvest | null>;

  constructor(private readonly parts: HarvesterParts) {}

  /** Commits what the agent left. A kill does not wait for it: then it happens right before the clean-up. */
  async unlessKilled(): Promise<Harvest | null> {
    const { signal } = this.parts;
    const stop = signal.aborted ? (signal.reason as Stop).exitReason : undefined;
    if (stop === 'killed' || stop === 'shutdown') return null;
    try {
      const harvested = this.once();
      return await (signal.aborted ? harvested : Promise.race([harvested, aborted(signal)]));
    } catch (cause) {
      return this.unharvested(cause);
    }
  }

  once(): Promise<Harvest | null> {
    this.harvested ??= this.harvestNow();
    return this.harvested;
  }

  private async harvestNow(): Promise<Harvest | null> {
    const { writes, result } = this.profile ?? {};
    if (!writes || result !== 'changes') return null;
    const { deps, ends, agent } = this.parts;
    const leave = await ends.enter();
    try {
      const harvested = deps.worktrees.harvest(agent.agentId, `writ: ${agent.taskId}`);
      return await within(deps.options.stepMs, 'Committing the work', harvested);
    } finally {
      leave();
    }
  }

  /** Work that could not be committed is no success; it stays in the worktree or its kept ref. */
  private unharvested(cause: unknown): null {
    if (cause instanceof Stop) return null;
    this.parts.deps.log.error(
      { cause, agentId: this.parts.agent.agentId },
      'the work of an agent could not be committed',
    );
    const [exitReason, why] = lacksRoom(cause)
      ? (['disk', ` ${noRoom}`] as const)
      : (['repository_error', ''] as const);
    this.parts.stop(new Stop(exitReason, theSpoke, `What the agent changed could not be committed.${why}`));
    return null;
  }
}
