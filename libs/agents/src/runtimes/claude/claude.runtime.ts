// The runtime `claude`: the SDK's streaming tool runner out here, its tools executed by the tool host in the sandbox.
import type Anthropic from '@anthropic-ai/sdk';
import { WritError } from '#protocol';
import { Runtime, type AgentTask, type RuntimeHost, type RuntimeOutcome } from '../runtime.js';
import { needKey, priceOf, upstreamOf, type ModelKey } from '../../model/options.js';
import type { ClaudeOptions } from './claude.options.js';
import { ClaudeBackend, type Means } from './claude.backend.js';
import { toolHostMounts } from './packages.js';

export class ClaudeRuntime extends Runtime {
  readonly kind = 'claude';
  readonly mounts = toolHostMounts();

  constructor(
    private readonly options: ClaudeOptions,
    private readonly modelKey: ModelKey,
  ) {
    super();
  }

  admit({ model }: Pick<AgentTask, 'agentType' | 'model'>): void {
    this.priced(model);
    needKey(this.modelKey);
  }

  async run(task: AgentTask, host: RuntimeHost): Promise<RuntimeOutcome> {
    const backend = this.open(task, host);
    try {
      return await backend.turn({ turnId: task.agentId, turn: 1 });
    } finally {
      void backend.close();
    }
  }

  override readonly takesTurns = true;

  override open(task: AgentTask, host: RuntimeHost, memory?: string): ClaudeBackend {
    return new ClaudeBackend(task, host, () => this.means(task, host), memory);
  }

  private async means({ model }: AgentTask, host: RuntimeHost): Promise<Means> {
    const { options } = this;
    return { client: await this.client(host), options, model: this.priced(model) };
  }

  private priced(asked: string | undefined): string {
    const model = asked ?? this.options.defaultModel;
    if (priceOf(this.options, model)) return model;
    const detail = `The model ${model} is not allowed here, or has no price.`;
    throw new WritError('invalid_request', detail, { field: 'options.model' });
  }

  /** Without a key: that is put in on the way. Retries are the conversation's: the SDK's own would not count as turns. */
  private async client({ model }: RuntimeHost): Promise<Anthropic> {
    // Loaded for the first agent that needs it: it is a tenth of what a spoke would load at its start.
    const { Anthropic } = await import('@anthropic-ai/sdk');
    const fetch = model.fetch(upstreamOf(this.options, this.modelKey));
    return new Anthropic({ apiKey: 'none', baseURL: 'http://model.invalid', fetch, maxRetries: 0, logLevel: 'off' });
  }
}
