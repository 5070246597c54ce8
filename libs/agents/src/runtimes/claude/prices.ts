// What a request to a model costs. The table holds what Anthropic publishes (platform.claude.com, pricing, October 2026);
// a spoke's configuration may add to it and overrule it.
import { z } from 'zod';
import type { Usage } from '#protocol';

const microUsd = z.int().min(0).max(1_000_000_000);
const rates = { input: microUsd, output: microUsd, cacheRead: microUsd, cacheWrite: microUsd };

/** Millionths of a US dollar per million tokens. `longPrompt` replaces them for requests whose prompt is longer than `above` tokens. */
export const price = z.strictObject({
  ...rates,
  longPrompt: z.strictObject({ above: z.int().min(1), ...rates }).optional(),
});
export type Price = z.infer<typeof price>;

/** Cache writes are those of five minutes. */
export const publishedPrices: Readonly<Record<string, Price>> = {
  'claude-opus-5-5': { input: 4_000_000, output: 20_000_000, cacheRead: 200_000, cacheWrite: 5_000_000 },
  'claude-sonnet-5-5': { input: 2_000_000, output: 10_000_000, cacheRead: 100_000, cacheWrite: 2_500_000 },
  'claude-haiku-5-5': {
    ...{ input: 100_000, output: 500_000, cacheRead: 10_000, cacheWrite: 125_000 },
    longPrompt: { above: 100_000, input: 500_000, output: 2_500_000, cacheRead: 50_000, cacheWrite: 625_000 },
  },
  'claude-opus-5': { input: 5_000_000, output: 25_000_000, cacheRead: 500_000, cacheWrite: 6_250_000 },
  'claude-sonnet-5': { input: 2_000_000, output: 10_000_000, cacheRead: 200_000, cacheWrite: 2_500_000 },
};

type Tokens = Pick<Usage, 'inputTokens' | 'outputTokens' | 'cacheReadTokens' | 'cacheWriteTokens'>;

/**
 * Rounded up to a whole millionth of a dollar, so that a limit is never undercut. `hourTokens` of the cache writes are kept
 * for an hour, at twice the price of input.
 */
export function costOf(tokens: Tokens, table: Price, hourTokens = 0): number {
  const prompt = tokens.inputTokens + tokens.cacheReadTokens + tokens.cacheWriteTokens;
  const rate = table.longPrompt && prompt > table.longPrompt.above ? table.longPrompt : table;
  const total =
    tokens.inputTokens * rate.input +
    tokens.outputTokens * rate.output +
    tokens.cacheReadTokens * rate.cacheRead +
    tokens.cacheWriteTokens * rate.cacheWrite +
    hourTokens * Math.max(0, 2 * rate.input - rate.cacheWrite);
  return Math.ceil(total / 1_000_000);
}
