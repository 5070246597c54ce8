// Checkpoints room: what a spoke's admin may set.
import { z } from 'zod';

export const checkpointOptions = z.strictObject({
  /** Checkpoints of one agent; the oldest goes first. 0: none are made. */
  keptMax: z.int().min(0).max(1_000).default(20),
  /** What the checkpoints of one agent may take on disk, in bytes; older ones go before a new one is refused. */
  bytesMax: z
    .int()
    .min(2 ** 20)
    .max(2 ** 40)
    .default(2 ** 30),
});

export type CheckpointOptions = z.output<typeof checkpointOptions>;
