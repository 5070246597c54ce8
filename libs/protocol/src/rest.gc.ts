// The REST resources of a spoke's housekeeping: what of its disk belongs to nobody that lives.
import { z } from 'zod';

/** `POST /v1/gc`. `confirmReset`: the store was reset or put back on purpose; what it does not know may go after its grace. */
export const gcBody = z
  .strictObject({ dryRun: z.boolean().default(false), confirmReset: z.boolean().default(false) })
  .default({ dryRun: false, confirmReset: false });
export type GcBody = z.input<typeof gcBody>;
export type GcRequest = z.output<typeof gcBody>;

/** What a look before the removal found: files not committed; commits that no branch of the repository has, and that its own branch has not. */
export const gcWork = z.strictObject({
  dirty: z.int().min(0),
  unpushed: z.int().min(0),
  unmerged: z.int().min(0),
});
export type GcWork = z.infer<typeof gcWork>;

/** `id` is the agent's, for a mirror its repository. In a dry run `removed` says what would be. `keptAs` is the ref that holds the work. */
export const gcItem = z.strictObject({
  kind: z.enum(['worktree', 'sandbox', 'output', 'mirror', 'kept']),
  id: z.string().max(2_048),
  /** `kept` stays by rule, `skipped` because it could not be judged or removed. */
  outcome: z.enum(['removed', 'kept', 'skipped']),
  reason: z.string().max(500),
  bytes: z.int().min(0),
  work: gcWork.optional(),
  keptAs: z.string().max(200).optional(),
});
export type GcItem = z.infer<typeof gcItem>;

/** The answer of `POST /v1/gc`: what was removed first, then what was skipped, then what stays. */
export const gcReport = z.strictObject({
  dryRun: z.boolean(),
  /** False: the store is not the one that these files were made under, and nothing is removed until somebody confirms. */
  storeKnown: z.boolean(),
  /** What a person has to decide or mend, if anything. */
  advice: z.string().max(1_000).optional(),
  /** On disk before: mirrors, worktrees, kept work and output. */
  diskBytes: z.int().min(0),
  diskBytesMax: z.int().min(1),
  freedBytes: z.int().min(0),
  items: z.array(gcItem).max(1_000),
  /** Items beyond the listed ones. */
  more: z.int().min(0),
});
export type GcReport = z.infer<typeof gcReport>;
