// What an agent has used: its shape, nothing of it, and the sum of two.
import { z } from 'zod';

export const usage = z.strictObject({
  turns: z.int().min(0),
  inputTokens: z.int().min(0),
  outputTokens: z.int().min(0),
  cacheReadTokens: z.int().min(0),
  cacheWriteTokens: z.int().min(0),
  moneyMicroUsd: z.int().min(0),
});
export type Usage = z.infer<typeof usage>;

export const noUsage: Usage = {
  turns: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  moneyMicroUsd: 0,
};

export function addUsage(one: Usage, other: Usage): Usage {
  return {
    turns: one.turns + other.turns,
    inputTokens: one.inputTokens + other.inputTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    cacheReadTokens: one.cacheReadTokens + other.cacheReadTokens,
    cacheWriteTokens: one.cacheWriteTokens + other.cacheWriteTokens,
    moneyMicroUsd: one.moneyMicroUsd + other.moneyMicroUsd,
  };
}
