// What a spoke's admin may set about what is left on disk.
import { z } from 'zod';

export const gcOptions = z.strictObject({
  /** How long what belongs to no live agent is left alone. */
  graceMs: z.int().min(0).max(31_536_000_000).default(3_600_000),
  /** How often it is looked for. */
  everyMs: z.int().min(100).max(86_400_000).default(600_000),
  /** Beyond so much on disk the oldest of what has ended goes: output, then mirrors nobody uses, then kept work older than `keptMs`. */
  diskBytesMax: z
    .int()
    .min(1)
    .default(50 * 2 ** 30),
  /** Kept work that is younger is never removed. */
  keptMs: z
    .int()
    .min(0)
    .max(10 * 31_536_000_000)
    .default(30 * 86_400_000),
});
