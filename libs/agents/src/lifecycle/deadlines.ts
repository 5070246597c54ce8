// One time limit for many short waits: a single timer looks after all of them, for a timer each would cost more than most
// of the waits do.

interface Waiting {
  readonly dueMs: number;
  readonly late: () => void;
}

export class Deadlines {
  /** In the order in which they began, which is that in which they fall due. */
  private readonly waiting = new Set<Waiting>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly limitMs: number,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Settles as the step does, or rejects with `late()` when the time is up; the late result is ignored. */
  within<T>(step: Promise<T>, late: () => Error): Promise<T> {
    return new Promise((resolve, reject) => {
      const one = { dueMs: this.now() + this.limitMs, late: () => reject(late()) };
      this.waiting.add(one);
      this.timer ??= this.armed(this.limitMs);
      const over = () => this.waiting.delete(one);
      step.then(
        (value) => {
          over();
          resolve(value);
        },
        (error: unknown) => {
          over();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }

  private armed(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.look(), ms).unref();
  }

  private look(): void {
    const now = this.now();
    for (const one of this.waiting) {
      if (one.dueMs > now) break;
      this.waiting.delete(one);
      one.late();
    }
    const [next] = this.waiting;
    this.timer = next && this.armed(Math.max(1, next.dueMs - now));
  }
}
