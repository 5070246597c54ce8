// The agent's last word: a tool whose input is the result. Checked here, and handed back until it is right or the patience is used up.
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import { betaZodOutputFormat } from '@anthropic-ai/sdk/helpers/beta/zod';
import type { AgentResult } from '#protocol';
import { handedIn, resultSchemas } from '../handed-in.js';
import type { AgentProfile } from '../runtime.js';

const submitTool = 'submit_result';

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
      input_schema: { ...betaZodOutputFormat(resultSchemas[this.kind]).schema, type: 'object' },
      parse: (input) => input,
      run: (input) => this.take(input),
    };
  }

  private take(input: unknown): string {
    const result = handedIn(this.kind, this.itemCount, input);
    if (typeof result === 'string') throw this.refuse(result);
    this.result = result;
    return 'The result is accepted.';
  }

  private refuse(why: string): ToolError {
    this.handedBack += 1;
    return new ToolError(`The result is not accepted. ${why}`);
  }
}
