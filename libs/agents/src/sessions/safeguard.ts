// A checkpoint of a session: taken of an agent that is held still, or that has ended where it cannot be held.
import type { Hold } from '../sandbox/stillness.js';
import type { Checkpoint, CheckpointWish } from '../worktrees/checkpoints/checkpoints.js';
import { Ahead, type AheadParts } from './ahead.js';

export interface SafeguardParts extends AheadParts {
  /** Lets the backend go; false when something of it still lives. */
  readonly cool: () => Promise<boolean>;
}

type Wish = Pick<Checkpoint, 'turn' | 'before'> & { readonly sparing?: number };

export class Safeguard {
  private readonly ahead: Ahead;

  constructor(private readonly parts: SafeguardParts) {
    this.ahead = new Ahead(parts);
  }

  /** After a turn: the checkpoint of the one that may come is made while nobody waits for it. */
  prepare(turn: number): void {
    if (this.parts.checkpoints.areKept && !this.parts.signal.aborted) this.ahead.begin(turn);
  }

  /** When nothing is held still between turns any more. */
  released(): Promise<void> {
    return this.ahead.released();
  }

  /** Nothing is made ahead any more. */
  halt(): Promise<void> {
    return this.ahead.halt();
  }

  /** Without a checkpoint the turn is taken all the same: the list says that there is none, and why. @throws the signal's reason. */
  async beforeTurn(turn: number): Promise<void> {
    const { checkpoints, signal, log, agentId } = this.parts;
    if (!checkpoints.areKept) return;
    try {
      if ((await this.ahead.isSureOf(turn)) && (await checkpoints.count(agentId, turn))) return;
      const { missing } = await this.take({ turn, before: 'turn' });
      if (missing !== undefined) log.warn({ agentId, turn, missing }, 'there is no checkpoint of this turn');
    } catch (cause) {
      signal.throwIfAborted();
      log.warn({ cause, agentId, turn }, 'there is no checkpoint of this turn');
    }
  }

  /** @throws Error when something of the agent can neither be held still nor ended; the signal's reason. */
  async take(wish: Wish): Promise<Checkpoint> {
    const { agentId, checkpoints, memory, time, signal } = this.parts;
    const hold = await this.still();
    try {
      const whole = { ...wish, at: time(), memory: await memory(), unmoved: () => hold.isStill(), signal };
      return (await this.prepared(whole)) ?? (await checkpoints.take(agentId, whole));
    } finally {
      await hold.release();
    }
  }

  /** What was made ahead, perhaps before a restart, if it is still so. */
  private async prepared(wish: CheckpointWish): Promise<Checkpoint | undefined> {
    const { agentId, checkpoints } = this.parts;
    if (wish.before !== 'turn' || !(await checkpoints.isAsPrepared(agentId, wish))) return undefined;
    return (await wish.unmoved()) ? checkpoints.count(agentId, wish.turn) : undefined;
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
