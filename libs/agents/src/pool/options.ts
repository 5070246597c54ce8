// What a spoke's admin may set about warm backends.
import { z } from 'zod';

const ms = (fallback: number) => z.int().min(1).max(86_400_000).default(fallback);

export const poolOptions = z.strictObject({
  /** Backends of sessions that are up at once, busy ones among them. A turn beyond that waits. */
  warmMax: z.int().min(1).max(10_000).default(10),
  /** How long an idle one is kept up. */
  idleMs: ms(30 * 60_000),
  /** How long a turn waits for a place. */
  waitMs: ms(60_000),
  /** How long one may take to say whether it is busy; without an answer it counts as busy. */
  probeMs: ms(2_000),
  /** When one that was busy is asked again. */
  probeAgainMs: ms(10_000),
  /** How long the end of one may take before it is put into quarantine and tried again. */
  closeMs: ms(45_000),
  /** How often idle and quarantined ones are looked at. */
  sweepMs: ms(60_000),
});
export type PoolOptions = z.output<typeof poolOptions>;
