// One agent's conversation with the model, turn by turn, until it hands in a result.
//
//   request ─► stream ─► run tools ─► accepted? ─► end
//     ▲  │ drop, 429, 5xx: back off  │ no call, cut off: hand back
//     └──┴───────────────────────────┘
//
// The SDK's tool runner carries it from turn to turn. A runner is used up when a turn fails, so a new one goes on
// from the messages of that turn: the whole turn is asked for again, and no tool of it has run.
import type Anthropic from '@anthropic-ai/sdk';
import { APIError } from '@anthropic-ai/sdk/error';
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import type { BetaMessageStream } from '@anthropic-ai/sdk/lib/BetaMessageStream';
import type { BetaContentBlock, BetaMessage, BetaMessageParam } from '@anthropic-ai/sdk/resources/beta';
import type { AgentResult } from '#protocol';
import type { AgentTask, RuntimeHost } from '../runtime.js';
import type { ClaudeOptions } from './claude.options.js';
import { backOff, isPassing, RunFailed, TurnDropped } from './failures.js';
import { systemPrompt } from './prompt.js';
import type { SubmissionDesk } from './submission.js';
import { ToolHostFailed, type ToolLink } from './tool-link.js';
import { Transcript } from './transcript.js';

export interface Cast {
  readonly client: Anthropic;
  readonly task: AgentTask;
  readonly host: RuntimeHost;
  readonly options: ClaudeOptions;
  readonly model: string;
  readonly link: ToolLink;
  readonly desk: SubmissionDesk;
  readonly tools: BetaRunnableTool<unknown>[];
}

export class Conversation {
  private failures = 0;
  private readonly transcript: Transcript;

  /** `messages` ends with what is asked. */
  constructor(
    private readonly cast: Cast,
    private messages: BetaMessageParam[],
  ) {
    this.transcript = new Transcript(cast.host);
  }

  /** As far as it is whole: it ends with a message of the user. */
  get history(): readonly BetaMessageParam[] {
    return this.messages;
  }

  /** @throws LimitReached, RunFailed, ToolHostFailed, or the API's own error when retries are used up. */
  async finish(): Promise<AgentResult> {
    for (;;) {
      try {
        const result = await this.stretch();
        if (result) return result;
      } catch (error) {
        await this.recover(error);
      }
    }
  }

  /** As far as one runner gets: to the result, or to a reply that calls no tool. */
  private async stretch(): Promise<AgentResult | undefined> {
    const { host, desk } = this.cast;
    const runner = this.runner();
    for await (const stream of runner) {
      this.messages = [...runner.params.messages];
      const reply = await this.hear(stream);
      if (!goesOn(reply)) {
        this.handBack(reply);
        break;
      }
      const answers = await runner.generateToolResponse(host.signal);
      if (desk.accepted) {
        this.messages.push({ role: 'assistant', content: reply.content }, ...(answers ? [answers] : []));
        return desk.accepted;
      }
      this.check();
    }
    return undefined;
  }

  private runner() {
    const { client, task, host, options, model, tools } = this.cast;
    return client.beta.messages.toolRunner(
      {
        model,
        max_tokens: options.maxTokens,
        system: systemPrompt(task),
        messages: this.messages,
        tools,
        cache_control: { type: 'ephemeral' },
        metadata: { user_id: task.agentId },
        ...(options.thinking === 'summarized' ? { thinking: { type: 'adaptive', display: 'summarized' } } : {}),
        stream: true,
        thread: false,
      },
      { signal: host.signal },
    );
  }

  /** One reply, whole and shown, and by then paid for. */
  private async hear(stream: BetaMessageStream): Promise<BetaMessage> {
    const watch = watchFor(stream, this.cast.options.stallMs);
    const shown = this.transcript.follow(stream);
    try {
      const reply = await stream.finalMessage();
      if (reply.stop_reason === null) throw new TurnDropped('The reply of the model broke off.');
      this.failures = 0;
      return reply;
    } catch (error) {
      this.cast.host.signal.throwIfAborted();
      if (error instanceof APIError && !watch.stalled()) throw error;
      throw new TurnDropped('The reply of the model broke off.', { cause: error });
    } finally {
      watch.stop();
      await shown();
    }
  }

  /** A reply that ends the runner without a result: the model is told, and a new runner goes on. */
  private handBack(reply: BetaMessage): void {
    if (reply.stop_reason === 'refusal') throw new RunFailed('model_error', 'The model refused the task.');
    if (reply.stop_reason === 'model_context_window_exceeded') {
      throw new RunFailed('model_error', 'The conversation outgrew the context window of the model.');
    }
    const cut = reply.stop_reason === 'max_tokens';
    const why = cut ? 'Your reply was cut off at its limit; go on in smaller steps.' : 'You stopped without a result.';
    this.messages.push({ role: 'assistant', content: kept(reply.content) });
    this.messages.push({ role: 'user', content: this.cast.desk.handBack(why) });
    this.check();
  }

  private check(): void {
    this.cast.host.signal.throwIfAborted();
    if (this.cast.desk.exhausted) throw new RunFailed('result_invalid', 'The agent handed in no valid result.');
    if (!this.cast.link.usable) throw new ToolHostFailed('The tool host ended too often.');
  }

  private async recover(error: unknown): Promise<void> {
    const { host, options } = this.cast;
    this.failures += 1;
    if (host.signal.aborted || !isPassing(error) || this.failures > options.turnRetriesMax) throw error;
    await host.output(`[writ] the model did not answer (attempt ${this.failures}); trying again\n`);
    await backOff(error, this.failures, options.backoffMs, host.signal);
  }
}

/** Tools to run, or a turn that the API itself paused. */
function goesOn({ stop_reason }: BetaMessage): boolean {
  return stop_reason === 'tool_use' || stop_reason === 'pause_turn';
}

/** Calls that were cut off are never run, so they may not stand in the history; a reply is never empty. */
function kept(content: readonly BetaContentBlock[]): BetaContentBlock[] | string {
  const rest = content.filter(({ type }) => type !== 'tool_use');
  return rest.some(({ type }) => type === 'text') ? rest : '(nothing said)';
}

function watchFor(stream: BetaMessageStream, stallMs: number) {
  let stalled = false;
  const timer = setTimeout(() => {
    stalled = true;
    stream.abort();
  }, stallMs).unref();
  stream.on('streamEvent', () => timer.refresh());
  return {
    stalled: () => stalled,
    stop: () => {
      clearTimeout(timer);
    },
  };
}
