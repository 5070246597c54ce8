// Who waits for which stream in this process. A subscription remembers a wake-up that came while nobody waited, so
// that nothing falls between a read and the wait after it.

export interface Subscription extends Disposable {
  /** Resolves at the next wake-up since the last call, or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void>;
}

export class Wakeups {
  readonly #byStream = new Map<string, Set<Waiter>>();

  get size(): number {
    return this.#byStream.size;
  }

  subscribe(stream: string): Subscription {
    const waiters = this.#byStream.get(stream) ?? new Set<Waiter>();
    this.#byStream.set(stream, waiters);
    const waiter = new Waiter(() => {
      waiters.delete(waiter);
      if (waiters.size === 0 && this.#byStream.get(stream) === waiters) this.#byStream.delete(stream);
    });
    waiters.add(waiter);
    return waiter;
  }

  wake(stream: string): void {
    for (const waiter of this.#byStream.get(stream) ?? []) waiter.wake();
  }

  wakeAll(): void {
    for (const stream of this.#byStream.keys()) this.wake(stream);
  }
}

class Waiter implements Subscription {
  #woken = false;
  #resume?: () => void;

  constructor(private readonly leave: () => void) {}

  wake(): void {
    this.#woken = true;
    this.#resume?.();
  }

  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#woken && !signal.aborted) await this.#sleep(signal);
    this.#woken = false;
  }

  async #sleep(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    this.#resume = () => resolve(undefined);
    signal.addEventListener('abort', this.#resume, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', this.#resume);
      this.#resume = undefined;
    }
  }

  [Symbol.dispose](): void {
    this.leave();
  }
}
