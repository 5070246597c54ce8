// The REST resources of sessions: another turn, the way back, and the close.
import { z } from 'zod';
import { reason } from './rest.js';
import { checkpoint, turnInput } from './operations.js';

/** `POST /v1/agents/:id/turns`. */
export const turnRequest = z.strictObject({ input: turnInput });

/** `POST /v1/agents/:id/restore`: to what was there before this turn. */
export const restoreRequest = z.strictObject({
  turn: z.int().min(1).max(100_000),
  reason: reason.default('asked for over REST'),
});

/** `GET /v1/agents/:id/checkpoints`, oldest first. */
export const checkpointList = z.strictObject({ checkpoints: z.array(checkpoint) });

/** `DELETE /v1/agents/:id`: a DELETE has no body, so its why and how stand in the query. */
export const closeQuery = z.strictObject({
  force: z.stringbool().default(false),
  reason: reason.default('asked for over REST'),
});
