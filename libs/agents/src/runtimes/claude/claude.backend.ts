// An agent of the runtime `claude` between its turns: the conversation so far, and the tool host in the sandbox, which stays
// up so that the next turn begins at once.
import type Anthropic from '@anthropic-ai/sdk';
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import type { BetaMessageParam } from '@anthropic-ai/sdk/resources/beta';
import { z } from 'zod';
import { WritError } from '#protocol';
import { Backend, type AgentTask, type RuntimeHost, type RuntimeOutcome, type Turn } from '../runtime.js';
import type { ClaudeOptions } from './claude.options.js';
import { Conversation } from './conversation.js';
import { endingOf } from './failures.js';
import { followUp, taskMessage } from '../task-text.js';
import { asked } from './prompt.js';
import { SubmissionDesk } from './submission.js';
import { ToolLink } from './tool-link.js';

/** Asked for anew with every turn. */
export interface Means {
  readonly client: Anthropic;
  readonly options: ClaudeOptions;
  readonly model: string;
}

const message = z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content: z.unknown() });
const remembered = z.strictObject({ format: z.literal(1), messages: z.array(message) });

export class ClaudeBackend extends Backend {
  private link: ToolLink;
  private tools?: readonly BetaRunnableTool<unknown>[];
  private messages: readonly BetaMessageParam[];

  constructor(
    private readonly task: AgentTask,
    private readonly host: RuntimeHost,
    private readonly means: () => Promise<Means>,
    memory?: string,
  ) {
    super();
    this.link = new ToolLink(host, task.profile.tools);
    this.messages = memory === undefined ? [] : past(memory);
  }

  override async turn(turn: Turn): Promise<RuntimeOutcome> {
    const { host } = this;
    try {
      return { exitReason: 'finished', result: await this.converse(turn) };
    } catch (error) {
      const result = { summary: '', items: [] };
      if (host.signal.aborted) return { exitReason: 'killed', result, failure: 'The run was stopped.' };
      if (error instanceof WritError) throw error;
      return { ...endingOf(error), result, cause: error };
    }
  }

  override memory(): string {
    return JSON.stringify({ format: 1, messages: this.messages });
  }

  /** The tool host answers, and has no call open. */
  override idle(): Promise<boolean> {
    return this.link.idle();
  }

  /** A turn that follows has a tool host of its own. */
  override async close(): Promise<void> {
    const { link } = this;
    this.link = new ToolLink(this.host, this.task.profile.tools);
    this.tools = undefined;
    await link.close();
  }

  private async converse({ input }: Turn) {
    const { task, host } = this;
    const { options, ...means } = await this.means();
    const { link, tools } = await this.toolHost();
    const items = input === undefined ? task.workItems.length : 1;
    const desk = new SubmissionDesk(task.profile.result, items, options.resultRetriesMax);
    const messages = asked(this.messages, input === undefined ? taskMessage(task) : followUp(input));
    const cast = { ...means, task, host, options, link, desk, tools: [...tools, desk.tool()] };
    const conversation = new Conversation(cast, messages);
    try {
      return await conversation.finish();
    } finally {
      this.messages = conversation.history;
    }
  }

  /** The one that is up; a new one when the agent has ended the last too often. */
  private async toolHost() {
    if (!this.link.usable) {
      void this.link.close();
      this.link = new ToolLink(this.host, this.task.profile.tools);
      this.tools = undefined;
    }
    this.tools ??= await this.link.open();
    return { link: this.link, tools: this.tools };
  }
}

/** Our own file, written by this runtime; what has another shape was written by a newer one. */
function past(memory: string): BetaMessageParam[] {
  const parsed = remembered.safeParse(JSON.parse(memory));
  if (parsed.success) return parsed.data.messages as BetaMessageParam[];
  throw new WritError('store_format', 'The conversation of the session was written by a newer version.');
}
