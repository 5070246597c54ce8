// The REST resource of a drain: no new agents on a spoke, while those that are there go on.
import { z } from 'zod';
import { actor } from './actor.js';
import { time } from './names.js';

/** `POST /v1/drain`; the body may be left out. */
export const drainBody = z
  .strictObject({ reason: z.string().trim().min(1).max(500).default('asked for by an admin') })
  .default({ reason: 'asked for by an admin' });
export type DrainBody = z.input<typeof drainBody>;

/** `live` counts the agents that have not ended; with 0 of them the spoke is empty. */
export const drainState = z.strictObject({
  draining: z.boolean(),
  live: z.int().min(0),
  since: time.optional(),
  reason: z.string().max(500).optional(),
  actor: actor.optional(),
});
export type DrainState = z.infer<typeof drainState>;
