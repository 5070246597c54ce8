// A checkpoint of a session: taken of an agent that is held still, or that has ended where it cannot be held.
import type { AgentsLog } from '../deps.js';
import type { Hold } from '../sandbox/stillness.js';
import type { Checkpoint, Checkpoints } from '../worktrees/checkpoints/checkpoints.js';

export interface SafeguardParts {
  readonly agentId: string;
  readonly checkpoints: Checkpoints;
  readonly hold: () => Promise<Hold | null>;
  /** Lets the backend go; false when something of it still lives. */
  readonly cool: () => Promise<boolean>;
  /** What the next backend would go on from. */
  readonly memory: () => Promise<string | undefined>;
  readonly time: () => string;
  readonly signal: AbortSignal;
  readonly log: AgentsLog;
}

export class Safeguard {
  constructor(private readonly parts: SafeguardParts) {}

  /** Without a checkpoint the turn is taken all the same: the list says that there is none, and why. @throws the signal's reason. */
  async beforeTurn(turn: number): Promise<void> {
    const { checkpoints, signal, log, agentId } = this.parts;
    if (!checkpoints.areKept) return;
    try {
      const { missing } = await this.take({ turn, before: 'turn' });
      if (missing !== undefined) log.warn({ agentId, turn, missing }, 'there is no checkpoint of this turn');
    } catch (cause) {
      signal.throwIfAborted();
      log.warn({ cause, agentId, turn }, 'there is no checkpoint of this turn');
    }
  }

  /** @throws Error when something of the agent can neither be held still nor ended; the signal's reason. */
  async take(wish: Pick<Checkpoint, 'turn' | 'before'> & { readonly sparing?: number }): Promise<Checkpoint> {
    const { agentId, checkpoints, memory, time, signal } = this.parts;
    const hold = await this.still();
    try {
      const unmoved = () => hold.isStill();
      return await checkpoints.take(agentId, { ...wish, at: time(), memory: await memory(), unmoved, signal });
    } finally {
      await hold.release();
    }
  }

  private async still(): Promise<Hold> {
    const { hold, cool, agentId, log } = this.parts;
    const failed = (cause: unknown) => {
      log.warn({ cause, agentId }, 'an agent could not be held still: its backend is ended instead');
      return null;
    };
    const held = (await hold().catch(failed)) ?? ((await cool()) ? await hold() : null);
    if (!held) throw new Error('something of the agent can neither be held still nor ended');
    return held;
  }
}
