// The agent's last word: a tool whose input is the result. Checked here, and handed back until it is right or the patience is used up.
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import { betaZodOutputFormat } from '@anthropic-ai/sdk/helpers/beta/zod';
import { z } from 'zod';
import { agentResult, finding, itemAnswer, type AgentResult } from '#protocol';
import type { AgentProfile } from '../runtime.js';

const submitTool = 'submit_result';

const common = {
  summary: z.string().trim().min(1).max(16_000).describe('What was done and found, for a reader who was not there.'),
  items: z.array(itemAnswer).max(50).describe('One answer for every work item, by its number.'),
};
const schemas = {
  changes: z.strictObject(common),
  findings: z.strictObject({ ...common, findings: z.array(finding).max(500) }),
  verdict: z.strictObject({ ...common, verdict: agentResult.shape.verdict.unwrap() }),
};

export class SubmissionDesk {
  private result: AgentResult | undefined;
  private handedBack = 0;

  constructor(
    private readonly kind: AgentProfile['result'],
    private readonly itemCount: number,
    private readonly retriesMax: number,
  ) {}

  get accepted(): AgentResult | undefined {
    return this.result;
  }

  /** True when what was missing or invalid has been handed back too often. */
  get exhausted(): boolean {
    return this.handedBack > this.retriesMax;
  }

  /** What to tell a model that stopped without a result. */
  handBack(why: string): string {
    this.handedBack += 1;
    return `${why} Call \`${submitTool}\` when you are done: without it your work has no result.`;
  }

  /** The definition is `strict`: the API itself keeps the model to the shape. */
  tool(): BetaRunnableTool<unknown> {
    return {
      type: 'custom',
      name: submitTool,
      description: 'Hand in the result and end the work.',
      strict: true,
      input_schema: { ...betaZodOutputFormat(schemas[this.kind]).schema, type: 'object' },
      parse: (input) => input,
      run: (input) => this.take(input),
    };
  }

  private take(input: unknown): string {
    const parsed = schemas[this.kind].safeParse(input);
    if (!parsed.success) throw this.refuse(z.prettifyError(parsed.error));
    const missing = this.unanswered(parsed.data.items.map(({ item }) => item));
    if (missing !== '') throw this.refuse(missing);
    this.result = parsed.data;
    return 'The result is accepted.';
  }

  private unanswered(answered: readonly number[]): string {
    const wanted = Array.from({ length: this.itemCount }, (_, index) => index);
    const exact = answered.length === this.itemCount && wanted.every((item) => answered.includes(item));
    return exact ? '' : `\`items\` must answer each of these items exactly once: ${wanted.join(', ')}.`;
  }

  private refuse(why: string): ToolError {
    this.handedBack += 1;
    return new ToolError(`The result is not accepted. ${why}`);
  }
}
