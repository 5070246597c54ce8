// Lets so many through at a time, in the order they came; who waits can leave by the signal.

/** Gives the place back; more than once is harmless. */
export type Leave = () => void;

export class Turnstile {
  private readonly waiting = new Set<() => void>();
  private inside = 0;

  constructor(private readonly widthMax: number) {}

  /** @throws the reason of the signal when it aborts before there is a place. */
  async enter(signal?: AbortSignal): Promise<Leave> {
    signal?.throwIfAborted();
    if (this.inside >= this.widthMax) await this.turn(signal);
    else this.inside++;
    return this.leaveOnce();
  }

  /** Resolves when someone who leaves hands over the place. */
  private turn(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal?.removeEventListener('abort', stop);
        resolve();
      };
      const stop = () => {
        this.waiting.delete(go);
        reject(signal?.reason as Error);
      };
      this.waiting.add(go);
      signal?.addEventListener('abort', stop, { once: true });
    });
  }

  private leaveOnce(): Leave {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      const [next] = this.waiting;
      if (!next) this.inside--;
      else {
        this.waiting.delete(next);
        next();
      }
    };
  }
}
