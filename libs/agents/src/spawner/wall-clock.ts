// Wall time of an agent: counts while it works, and stands still while a session waits for its next turn.

export class WallClock {
  private timer?: NodeJS.Timeout;
  private startedAt?: number;
  private countedMs: number;

  /** Without a limit it only counts. `spentMs` is what earlier turns have used. */
  constructor(
    private readonly limitMs: number | undefined,
    spentMs: number,
    private readonly over: () => void,
  ) {
    this.countedMs = spentMs;
  }

  get spentMs(): number {
    const running = this.startedAt === undefined ? 0 : performance.now() - this.startedAt;
    return Math.round(this.countedMs + running);
  }

  /** A running clock goes on. */
  start(): void {
    if (this.startedAt !== undefined) return;
    this.startedAt = performance.now();
    if (this.limitMs !== undefined)
      this.timer = setTimeout(this.over, Math.max(0, this.limitMs - this.countedMs)).unref();
  }

  stop(): void {
    this.countedMs = this.spentMs;
    this.startedAt = undefined;
    clearTimeout(this.timer);
  }
}
