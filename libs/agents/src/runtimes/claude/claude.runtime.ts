// The runtime `claude`: the SDK's streaming tool runner out here with the key, its tools executed by the tool host in the sandbox.
import Anthropic from '@anthropic-ai/sdk';
import { WritError } from '#protocol';
import { Runtime, type AgentTask, type RuntimeHost, type RuntimeOutcome } from '../runtime.js';
import { priceOf, type ClaudeOptions } from './claude.options.js';
import { Conversation } from './conversation.js';
import { endingOf } from './failures.js';
import { toolHostMounts } from './packages.js';
import { SubmissionDesk } from './submission.js';
import { ToolLink } from './tool-link.js';

/** Read anew for every run, so that a rotated key is used at once. Undefined or empty: there is none. */
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
    const link = new ToolLink(host, task.profile.tools);
    try {
      return { exitReason: 'finished', result: await this.converse(task, host, link) };
    } catch (error) {
      const result = { summary: '', items: [] };
      if (host.signal.aborted) return { exitReason: 'killed', result, failure: 'The run was stopped.' };
      if (error instanceof WritError) throw error;
      return { ...endingOf(error), result, cause: error };
    } finally {
      link.close();
    }
  }

  private async converse(task: AgentTask, host: RuntimeHost, link: ToolLink) {
    const { options } = this;
    const desk = new SubmissionDesk(task.profile.result, task.workItems.length, options.resultRetriesMax);
    const tools = [...(await link.open()), desk.tool()];
    const cast = { client: this.client(), task, host, options, link, desk, tools, ...this.priced(task.model) };
    return new Conversation(cast).finish();
  }

  private priced(asked: string | undefined) {
    const model = asked ?? this.options.defaultModel;
    const price = priceOf(this.options, model);
    if (price) return { model, price };
    const detail = `The model ${model} is not allowed here, or has no price.`;
    throw new WritError('invalid_request', detail, { field: 'options.model' });
  }

  /** One client per run. Retries are the conversation's: the SDK's own would not count as turns. */
  private client(): Anthropic {
    return new Anthropic({ apiKey: this.key(), baseURL: this.options.baseUrl, maxRetries: 0, logLevel: 'off' });
  }

  private key(): string {
    const key = this.modelKey();
    if (!key) throw new WritError('no_model_key', 'This spoke has no key for the model API.');
    return key;
  }
}
