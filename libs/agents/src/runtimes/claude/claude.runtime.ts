// The runtime `claude`: the SDK's streaming tool runner out here with the key, its tools executed by the tool host in the sandbox.
import Anthropic from '@anthropic-ai/sdk';
import { WritError } from '#protocol';
import { Runtime, type AgentTask, type RuntimeHost, type RuntimeOutcome } from '../runtime.js';
import { priceOf, type ClaudeOptions } from './claude.options.js';
import { ClaudeBackend } from './claude.backend.js';
import { toolHostMounts } from './packages.js';

/** Read anew for every turn, so that a rotated key is used at once. Undefined or empty: there is none. */
export type ModelKey = () => string | undefined;

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
    this.key();
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
    const means = () => ({ client: this.client(), options: this.options, ...this.priced(task.model) });
    return new ClaudeBackend(task, host, means, memory);
  }

  private priced(asked: string | undefined) {
    const model = asked ?? this.options.defaultModel;
    const price = priceOf(this.options, model);
    if (price) return { model, price };
    const detail = `The model ${model} is not allowed here, or has no price.`;
    throw new WritError('invalid_request', detail, { field: 'options.model' });
  }

  /** One client per turn. Retries are the conversation's: the SDK's own would not count as turns. */
  private client(): Anthropic {
    return new Anthropic({ apiKey: this.key(), baseURL: this.options.baseUrl, maxRetries: 0, logLevel: 'off' });
  }

  private key(): string {
    const key = this.modelKey();
    if (!key) throw new WritError('no_model_key', 'This spoke has no key for the model API.');
    return key;
  }
}
