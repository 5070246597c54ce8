// Questions over REST: what waits for a person on a spoke, and the answer.
import { z } from 'zod';
import { agentId, taskId } from './names.js';
import { question } from './question.js';

/** A question that waits, and whose agent it is. */
export const openQuestion = z.strictObject({ ...question.shape, agentId, taskId, owner: z.string().min(1).max(64) });
export type OpenQuestion = z.infer<typeof openQuestion>;
/** `GET /v1/questions`, the oldest first. */
export const questionPage = z.strictObject({ questions: z.array(openQuestion) });

/** `POST /v1/questions/:id`: yes or no, or one of the question's own options. */
export const answerBody = z
  .strictObject({
    allow: z.boolean().optional(),
    option: question.shape.options.element.shape.id.optional(),
    reason: z.string().trim().min(1).max(500).optional(),
  })
  .refine(({ allow, option }) => (allow === undefined) !== (option === undefined), 'must have either allow or option');
export type AnswerBody = z.input<typeof answerBody>;
