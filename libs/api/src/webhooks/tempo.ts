// How long webhooks wait: for an answer, before another try, and for their turn.

/** In milliseconds. */
export interface Tempo {
  /** For one try, from the lookup of the name to the last byte of the answer. */
  readonly timeoutMs: number;
  /** After the first failure; twice as long after each that follows. */
  readonly firstMs: number;
  readonly longestMs: number;
  /** Before a hook is looked at again that another process has, or whose store failed. */
  readonly restMs: number;
  /** What a try that is under way gets when the instance closes. */
  readonly closeMs: number;
}

export const tempo: Tempo = { timeoutMs: 20_000, firstMs: 2_000, longestMs: 600_000, restMs: 5_000, closeMs: 2_000 };

/** From half of the step to all of it, so that hooks that failed together do not come back together; what the receiver asks for counts up to the longest. */
export function delayMs(failures: number, askedMs: number, { firstMs, longestMs }: Tempo): number {
  const step = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.max(step / 2 + (Math.random() * step) / 2, Math.min(askedMs, longestMs));
}
