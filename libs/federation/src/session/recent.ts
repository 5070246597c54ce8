// The replay memory of queries. A query has no effect, and a copy of it could only be used in the session whose nonce it
// carries. Such a nonce lives in this process alone and dies with it, and so may the memory: nothing is written to the
// store, and nothing is waited for.

interface Remembered {
  readonly h: string;
  readonly untilMs: number;
}

export class RecentQueries {
  /** By `jti`, in the order in which they came. */
  readonly #seen = new Map<string, Remembered>();

  constructor(private readonly messagesMax: number) {}

  /** The hash of the message that came under this `jti` before, until no copy of it could be valid any more. */
  find(jti: string, nowMs: number): string | undefined {
    const known = this.#seen.get(jti);
    return known && known.untilMs > nowMs ? known.h : undefined;
  }

  /** False when there is no room: then the message must not be acted upon. */
  add(jti: string, h: string, untilMs: number, nowMs: number): boolean {
    this.forget(nowMs);
    if (this.#seen.size >= this.messagesMax) return false;
    this.#seen.set(jti, { h, untilMs });
    return true;
  }

  /** From the oldest on, as far as they have run out: one that lives longer keeps those behind it, which errs on the safe side. */
  private forget(nowMs: number): void {
    for (const [jti, { untilMs }] of this.#seen) {
      if (untilMs > nowMs) return;
      this.#seen.delete(jti);
    }
  }
}
