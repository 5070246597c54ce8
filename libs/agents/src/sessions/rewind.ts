// The way of a session back to an older state, from a recorded intent to its end. What is there now is kept first; then files, HEAD and
// conversation go back, and the record says so in the commit of the event. Each step done again comes to the same, so that a crash
// anywhere is finished at the next start.
//
//   intent recorded → backend gone → kept ──▶ files → conversation → recorded
//                        └── not kept: called off, nothing was changed
import { setTimeout as pause } from 'node:timers/promises';
import { WritError } from '#protocol';
import type { AgentsLog } from '../deps.js';
import type { EventMint } from '../lifecycle/events.js';
import type { Restoring } from '../lifecycle/record.js';
import type { Register, Step } from '../lifecycle/register.js';
import type { Checkpoints } from '../worktrees/checkpoints/checkpoints.js';
import type { Memories } from './memories.js';
import type { Safeguard } from './safeguard.js';
import { restoreNote } from './notes.js';
import { toIdleAgain } from './turns.js';

export interface RewindParts {
  readonly agentId: string;
  readonly register: Register;
  readonly mint: EventMint;
  readonly memories: Memories;
  readonly checkpoints: Checkpoints;
  readonly safeguard: Safeguard;
  readonly cool: () => Promise<boolean>;
  readonly signal: AbortSignal;
  readonly log: AgentsLog;
}

const RETRY_MS = 1_000;

export class Rewind {
  private underWay?: Promise<number>;

  constructor(private readonly parts: RewindParts) {}

  /** How many files were left where they are. Two at once are one. @throws WritError when it was called off: nothing was changed. */
  go(restoring: Restoring): Promise<number> {
    this.underWay ??= this.whole(restoring).finally(() => (this.underWay = undefined));
    return this.underWay;
  }

  /** When what is under way, if anything, is over. Never rejects. */
  async over(): Promise<void> {
    await Promise.allSettled([this.underWay]);
  }

  private async whole(restoring: Restoring): Promise<number> {
    if (!(await this.isWanted(restoring))) return 0;
    await this.kept(restoring);
    const left = await this.untilDone(() => this.back(restoring), 'a restore did not come to its end');
    const done = (): Promise<unknown> => this.done(restoring, left);
    await this.untilDone(done, 'the end of a restore could not be recorded');
    return left;
  }

  /** What a start took up may have been finished by whoever asked for it again. */
  private async isWanted({ turnId }: Restoring): Promise<boolean> {
    const { register, agentId } = this.parts;
    return (await register.find(agentId)).restoring?.turnId === turnId;
  }

  /** Once it is kept there is no way but on: the files may have changed already. */
  private async kept(restoring: Restoring): Promise<void> {
    try {
      if (!(await this.isKept(restoring))) await this.keep(restoring);
    } catch (cause) {
      const { register, agentId } = this.parts;
      await register.change(agentId, (before) => {
        const record = toIdleAgain(before, restoring, false);
        return record && { record };
      });
      throw cause;
    }
  }

  private async isKept({ turn }: Restoring): Promise<boolean> {
    const all = await this.parts.checkpoints.list(this.parts.agentId);
    return all.some((one) => one.turn === turn && one.before === 'restore' && one.missing === undefined);
  }

  private async keep({ turn, to: sparing }: Restoring): Promise<void> {
    const { safeguard, checkpoints, memories, agentId } = this.parts;
    memories.refuseTooLarge((await checkpoints.memory(agentId, sparing)) ?? '');
    await this.cooled();
    const { missing } = await safeguard.take({ turn, before: 'restore', sparing });
    if (missing === undefined) return;
    const detail = `What is there now could not be kept, so that nothing was changed. ${missing}`;
    throw new WritError('invalid_transition', detail);
  }

  private async back({ turn, to }: Restoring): Promise<number> {
    const { checkpoints, memories, agentId } = this.parts;
    await this.cooled();
    const left = await checkpoints.restore(agentId, to, turn);
    await memories.goBack(agentId, await checkpoints.memory(agentId, to));
    return left;
  }

  private async cooled(): Promise<void> {
    if (await this.parts.cool()) return;
    throw new WritError('invalid_transition', 'Something of the agent still lives: try again in a moment.');
  }

  private done(restoring: Restoring, left: number): Promise<unknown> {
    const { register, mint, agentId } = this.parts;
    return register.change(agentId, (before): Step | null => {
      const record = toIdleAgain(before, restoring, true);
      if (!record) return null;
      return {
        record,
        events: [mint.restored(record, restoring, left)],
        puts: [restoreNote(agentId, restoring, left)],
      };
    });
  }

  /** Until the agent is stopped: then what is left is the clean-up's, or the next start's. */
  private async untilDone<T>(step: () => Promise<T>, failed: string): Promise<T> {
    const { signal, log, agentId } = this.parts;
    for (;;) {
      try {
        return await step();
      } catch (cause) {
        log.error({ cause, agentId }, `${failed}; it is tried again`);
        signal.throwIfAborted();
        await pause(RETRY_MS, undefined, { ref: false, signal });
      }
    }
  }
}
