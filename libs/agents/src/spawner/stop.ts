// Why a run is stopped: the typed reason of the one signal that kill, deadline, budget, shutdown and a lost owner share.
import type { Actor, ExitReason, QuestionAnswer } from '#protocol';

/** The spoke itself, where nobody asked. */
export const theSpoke: Actor = { kind: 'system', id: 'spoke' };

export class Stop extends Error {
  override readonly name = 'Stop';

  constructor(
    readonly exitReason: ExitReason,
    readonly actor: Actor,
    reason: string,
  ) {
    super(reason);
  }

  get state(): 'completed' | 'failed' | 'killed' {
    if (this.exitReason === 'closed' || this.exitReason === 'expired') return 'completed';
    return this.exitReason === 'killed' ? 'killed' : 'failed';
  }
}

/** A person said no, or nobody said anything in time. */
export function refusedBy({ option, actor, reason }: QuestionAnswer): Stop {
  if (option === 'expired') return new Stop('approval_expired', actor, 'Nobody approved it in time.');
  return new Stop('approval_denied', actor, `It was not approved${reason ? `: ${reason}` : '.'}`);
}

/** Rejects with the signal's reason as soon as it aborts: what it is raced against may hang. */
export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const stop = () => reject(signal.reason as Error);
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
  });
}
