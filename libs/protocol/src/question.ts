// A question with which an agent's work waits until a person of the spoke has answered, or its time is up.
import { z } from 'zod';
import { actor } from './actor.js';
import { nonce128, time } from './names.js';

/** `spawn`: may this agent begin? `permission`: may a running agent do what it asks for? */
export const questionKinds = ['spawn', 'permission'] as const;
const kind = z.enum(questionKinds);
const optionId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/, 'must be the id of an option');

export const questionOption = z.strictObject({
  id: optionId,
  label: z.string().min(1).max(200),
  /** Whether this answer lets the work go on as asked. */
  allows: z.boolean(),
});

export const question = z.strictObject({
  questionId: nonce128,
  kind,
  title: z.string().min(1).max(300),
  detail: z.string().max(4_000).optional(),
  options: z.array(questionOption).min(1).max(20),
  askedAt: time,
  /** Nobody can answer any more from then on: it counts as refused. */
  until: time,
});
export type Question = z.infer<typeof question>;

/** `option` is the id of one of the question's, or `expired`. */
export const questionAnswer = z.strictObject({
  questionId: nonce128,
  kind,
  option: optionId,
  allows: z.boolean(),
  actor,
  at: time,
  reason: z.string().max(500).optional(),
});
export type QuestionAnswer = z.infer<typeof questionAnswer>;
