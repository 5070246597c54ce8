// What a spoke's configuration says of a runtime of kind `claude`.
import { z } from 'zod';
import { price, publishedPrices, type Price } from './prices.js';

const model = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$/, 'must be the id of a model');

export const claudeOptions = z
  .strictObject({
    kind: z.literal('claude'),
    baseUrl: z.url({ protocol: /^https?$/ }).default('https://api.anthropic.com'),
    /** Allow-list. Absent: every model that has a price. */
    models: z.array(model).min(1).max(100).optional(),
    defaultModel: model.default('claude-opus-5-5'),
    /** Added to the published prices, and overruling them. */
    prices: z.record(model, price).default({}),
    /** For models without a price of their own; absent, such models are refused. */
    defaultPrice: price.optional(),
    /** Output of one reply at most. */
    maxTokens: z.int().min(256).max(128_000).default(32_000),
    /** `summarized` lets the output show what the model thinks between tool calls; `unset` is for models without adaptive thinking. */
    thinking: z.enum(['summarized', 'unset']).default('summarized'),
    /** Consecutive failures of one turn before the run fails. */
    turnRetriesMax: z.int().min(0).max(100).default(8),
    /** First wait of the back-off, doubled up to a minute, with jitter; a longer `retry-after` wins. */
    backoffMs: z.int().min(1).max(60_000).default(1_000),
    /** A stream that says nothing for so long counts as dropped. */
    stallMs: z.int().min(100).max(3_600_000).default(300_000),
    /** How often a missing or invalid result is handed back to the model. */
    resultRetriesMax: z.int().min(0).max(20).default(3),
  })
  .superRefine((options, context) => {
    const fault = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message });
    const unpriced = (name: string) => !priceOf({ ...options, models: undefined }, name);
    options.models?.forEach((name, index) => {
      if (unpriced(name)) fault(['models', index], 'has no price: add it to prices, or set defaultPrice');
    });
    if (unpriced(options.defaultModel)) fault(['defaultModel'], 'has no price: add it to prices, or set defaultPrice');
    if (options.models?.includes(options.defaultModel) === false) fault(['defaultModel'], 'must be one of models');
  });
export type ClaudeOptions = z.infer<typeof claudeOptions>;

/** The price of a model that may be used; undefined for one that may not. Prices are own members only: no model is called `constructor`. */
export function priceOf(
  options: { models?: readonly string[] | undefined } & Pick<ClaudeOptions, 'prices' | 'defaultPrice'>,
  name: string,
): Price | undefined {
  if (options.models && !options.models.includes(name)) return undefined;
  const known = { ...publishedPrices, ...options.prices };
  return Object.hasOwn(known, name) ? known[name] : options.defaultPrice;
}
