// What a spoke's configuration says of a runtime of kind `claude`.
import { z } from 'zod';
import { modelName, modelShape, priceOf } from '../../model/options.js';

export const claudeOptions = z
  .strictObject({
    /** The loop with the model outside the sandbox, its tools inside. */
    kind: z.literal('claude'),
    ...modelShape,
    /** Used when neither request nor profile names one. */
    defaultModel: modelName.default('claude-opus-5-5'),
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
