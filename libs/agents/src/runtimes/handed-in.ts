// What an agent hands in as its result: its shape by profile, and whether it answers what was asked.
import { z } from 'zod';
import { agentResult, finding, itemAnswer, type AgentResult } from '#protocol';
import type { AgentProfile } from './runtime.js';

const common = {
  summary: z.string().trim().min(1).max(16_000).describe('What was done and found, for a reader who was not there.'),
  items: z.array(itemAnswer).max(50).describe('One answer for every work item, by its number.'),
};

export const resultSchemas = {
  changes: z.strictObject(common),
  findings: z.strictObject({ ...common, findings: z.array(finding).max(500) }),
  verdict: z.strictObject({ ...common, verdict: agentResult.shape.verdict.unwrap() }),
};

/** The result, or what is wrong with it, in words for the agent. */
export function handedIn(kind: AgentProfile['result'], itemCount: number, input: unknown): AgentResult | string {
  const parsed = resultSchemas[kind].safeParse(input);
  if (!parsed.success) return z.prettifyError(parsed.error);
  const answered = parsed.data.items.map(({ item }) => item);
  const wanted = Array.from({ length: itemCount }, (_, index) => index);
  const exact = answered.length === itemCount && wanted.every((item) => answered.includes(item));
  return exact ? parsed.data : `\`items\` must answer each of these items exactly once: ${wanted.join(', ')}.`;
}
