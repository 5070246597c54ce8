// Sandbox room: launches that are not yet through. A stop that comes meanwhile has to win.
import { setTimeout as sleep } from 'node:timers/promises';

/** A launch that does not heed its signal within this time is left to the look that follows. */
const settleMsMax = 2_000;

export class Starts {
  readonly #pending = new Map<string, Set<{ readonly stop: AbortController; readonly done: Promise<void> }>>();

  /** Runs a launch under the caller's signal and that of a stop. */
  async run<T>(agentId: string, signal: AbortSignal, launch: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const done = Promise.withResolvers<undefined>();
    const start = { stop, done: done.promise };
    const starts = this.#pending.get(agentId) ?? new Set();
    this.#pending.set(agentId, starts.add(start));
    try {
      return await launch(AbortSignal.any([signal, stop.signal]));
    } finally {
      done.resolve(undefined);
      starts.delete(start);
      if (starts.size === 0) this.#pending.delete(agentId);
    }
  }

  /** Calls off every launch of the agent and waits until they have noticed. */
  async callOff(agentId: string, reason: Error): Promise<void> {
    const starts = [...(this.#pending.get(agentId) ?? [])];
    for (const { stop } of starts) stop.abort(reason);
    const timer = new AbortController();
    const late = sleep(settleMsMax, undefined, { signal: timer.signal }).catch(() => undefined);
    await Promise.race([Promise.all(starts.map(({ done }) => done)), late]);
    timer.abort();
  }
}
