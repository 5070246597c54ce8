// The REST resources of sessions: another turn, and the close.
import { z } from 'zod';
import { reason } from './rest.js';
import { turnInput } from './operations.js';

/** `POST /v1/agents/:id/turns`. */
export const turnRequest = z.strictObject({ input: turnInput });

/** `DELETE /v1/agents/:id`: a DELETE has no body, so its why and how stand in the query. */
export const closeQuery = z.strictObject({
  force: z.stringbool().default(false),
  reason: reason.default('asked for over REST'),
});
