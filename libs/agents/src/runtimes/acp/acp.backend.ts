// An agent of the runtime `acp` between its turns: its process and session stay up; what is needed to go on without them is remembered.
import type { AgentResult } from '#protocol';
import { WritError } from '#protocol';
import { Backend, type RuntimeOutcome, type Turn } from '../runtime.js';
import { brief, followUp, taskMessage, whatEnds } from '../task-text.js';
import { unlessStopped } from '../unless-stopped.js';
import { Conversation } from './conversation.js';
import { endingOf } from './endings.js';
import type { ConversationParts } from './opening.js';
import { account, recalled, withTurn, type Remembered } from './remembered.js';
import { form, resultIn, summaryOf, type Asked } from './result.js';

const nothing: AgentResult = { summary: '', items: [] };

export class AcpBackend extends Backend {
  private readonly conversation: Conversation;
  private past: Remembered;
  private isBusy = false;

  constructor(
    private readonly parts: ConversationParts,
    memory?: string,
  ) {
    super();
    this.past = recalled(memory);
    const { sessionId, moneyMicroUsd } = this.past;
    this.conversation = new Conversation(parts, { sessionId, moneyMicroUsd });
  }

  override async turn(turn: Turn): Promise<RuntimeOutcome> {
    this.isBusy = true;
    const outcome = await this.tried(turn);
    this.isBusy = false;
    const { result, failure } = outcome;
    const asked = turn.input ?? taskMessage(this.parts.task);
    this.past = withTurn(this.past, asked, failure === undefined ? result.summary : `(failed) ${failure}`);
    return outcome;
  }

  override memory(): string {
    return JSON.stringify({ ...this.past, ...this.conversation.knows });
  }

  /** The protocol has no way to ask; between its turns an agent has nothing to do. */
  override idle(): Promise<boolean> {
    return Promise.resolve(!this.isBusy);
  }

  override async close(): Promise<void> {
    await this.conversation.close();
  }

  private async tried(turn: Turn): Promise<RuntimeOutcome> {
    const { host, options } = this.parts;
    const cancel = () => this.conversation.cancel();
    host.signal.addEventListener('abort', cancel, { once: true });
    try {
      host.signal.throwIfAborted();
      return await unlessStopped(this.converse(turn), host.signal);
    } catch (error) {
      if (host.signal.aborted) return { exitReason: 'killed', result: nothing, failure: 'The run was stopped.' };
      if (error instanceof WritError) throw error;
      return { ...endingOf(error, options.model ? host.model.trouble : undefined), result: nothing, cause: error };
    } finally {
      host.signal.removeEventListener('abort', cancel);
    }
  }

  private async converse(turn: Turn): Promise<RuntimeOutcome> {
    const { task, options } = this.parts;
    const itemCount = turn.input === undefined ? task.workItems.length : 1;
    const asked = { kind: task.profile.result, itemCount, turn: turn.turn };
    await this.conversation.ready();
    let text = this.question(turn, asked);
    let message = '';
    for (let left = options.resultRetriesMax; ; left--) {
      message = (await this.conversation.prompt(text)).trim() || message;
      const outcome = this.judged(message, asked, left <= 0);
      if (typeof outcome !== 'string') return outcome;
      text = `${outcome}\n\n${form(asked.kind, asked.turn)}`;
    }
  }

  /** The outcome, or what to tell the agent that has handed in none. */
  private judged(message: string, asked: Asked, isLast: boolean): RuntimeOutcome | string {
    const result = resultIn(message, asked);
    if (typeof result === 'object') return { exitReason: 'finished', result };
    const own = { summary: summaryOf(message), items: [] };
    if (this.parts.options.resultFrom === 'message') return { exitReason: 'finished', result: own };
    if (!isLast)
      return result === undefined ? 'You stopped without a result.' : `The result is not accepted. ${result}`;
    return { exitReason: 'result_invalid', result: own, failure: 'The agent handed in no valid result.' };
  }

  /** An agent whose session is new is told everything. */
  private question({ input }: Turn, asked: Asked): string {
    const { task, options } = this.parts;
    const parts = input === undefined ? [taskMessage(task)] : [followUp(input)];
    if (options.resultFrom === 'asked') parts.push(form(asked.kind, asked.turn));
    if (!this.conversation.isNew) return parts.join('\n\n');
    const before = input === undefined ? '' : account(this.past);
    return [brief(task, this.ending()), before, ...parts].filter(Boolean).join('\n\n');
  }

  private ending(): string {
    const { task, options } = this.parts;
    const result = options.resultFrom === 'asked' ? 'your result' : 'a summary of what you did';
    return [
      `When you are done, or cannot get further, say so with ${result}. ${whatEnds(task.session)}`,
      'Answer every work item by its number, and say plainly what is not done.',
    ].join('\n');
  }
}
