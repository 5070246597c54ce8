// What an agent tells while it works, and what becomes of it: output that people read, the message that may be its result,
// and what it says it has cost. What is not known here is left alone: agents tell more than the protocol had when this was written.
import { z } from 'zod';
import type { RuntimeHost } from '../runtime.js';
import { AgentBroke } from './broken.js';
import { printable } from './printable.js';
import type { ToolCalls } from './tool-calls.js';

/** The end of a message is kept: a result stands there. */
const messageCharactersMax = 2 ** 18;
const planEntriesMax = 50;
const lineCharactersMax = 200;

const notification = z.looseObject({
  sessionId: z.string(),
  update: z.looseObject({ sessionUpdate: z.string() }),
});
type Update = z.infer<typeof notification>['update'];

const chunk = z.looseObject({ content: z.looseObject({ type: z.literal('text'), text: z.string() }) });
const plan = z.looseObject({
  entries: z.array(z.looseObject({ content: z.string(), status: z.string().optional() })).max(1_000),
});
const usage = z.looseObject({
  cost: z.looseObject({ amount: z.number().min(0).max(1_000_000), currency: z.literal('USD') }),
});

const marks: Readonly<Record<string, string>> = { completed: 'x', in_progress: '>' };

export class Updates {
  /** Of this session only, and only while it is listened to: what a session that is loaded repeats was shown before. */
  sessionId?: string;
  private said = '';
  /** Output stands in the middle of a line. */
  private isOpen = false;

  constructor(
    private readonly host: Pick<RuntimeHost, 'output'>,
    private readonly calls: ToolCalls,
    /** All that the session has cost so far, in millionths of a US dollar, by the agent's own word. */
    private readonly cost: (moneyMicroUsd: number) => Promise<void>,
  ) {}

  /** What the agent has said since its last tool call. */
  get message(): string {
    return this.said;
  }

  /** A prompt goes out: what comes from now on belongs to it. */
  renew(): void {
    this.said = '';
  }

  /** True when somebody saw something of it. @throws AgentBroke, what the output throws */
  async hear(params: unknown): Promise<boolean> {
    const parsed = notification.safeParse(params);
    if (!parsed.success) throw new AgentBroke('The agent wrote an update that is none of the protocol.');
    const { sessionId, update } = parsed.data;
    return sessionId === this.sessionId && this.take(update);
  }

  /** What comes next begins a line. */
  async settle(): Promise<void> {
    if (this.isOpen) await this.host.output('\n');
    this.isOpen = false;
  }

  /** A line of its own. */
  async note(line: string): Promise<true> {
    await this.settle();
    await this.host.output(`${line}\n`);
    return true;
  }

  private async take(update: Update): Promise<boolean> {
    switch (update.sessionUpdate) {
      case 'agent_message_chunk':
        return this.text(update, true);
      case 'agent_thought_chunk':
        return this.text(update, false);
      case 'tool_call':
      case 'tool_call_update':
        return this.tool(update);
      case 'plan':
        return this.plan(update);
      case 'usage_update':
        return this.costs(update);
      default:
        return false;
    }
  }

  private async text(update: Update, isMessage: boolean): Promise<boolean> {
    const parsed = chunk.safeParse(update);
    if (!parsed.success || parsed.data.content.text === '') return false;
    const { text } = parsed.data.content;
    if (isMessage) this.said = (this.said + text).slice(-messageCharactersMax);
    this.isOpen = !text.endsWith('\n');
    await this.host.output(text);
    return true;
  }

  private async tool(update: Update): Promise<boolean> {
    const call = this.calls.hear(update);
    if (!call) return false;
    if (call.isNew) this.said = '';
    if (call.status === 'failed') return this.note(`[${call.kind}] ${call.title}: failed`);
    return call.isNews && this.note(`[${call.kind}] ${call.title}`);
  }

  private async plan(update: Update): Promise<boolean> {
    const parsed = plan.safeParse(update);
    if (!parsed.success || parsed.data.entries.length === 0) return false;
    const entries = parsed.data.entries.slice(0, planEntriesMax);
    const lines = entries.map(({ content, status = '' }) => {
      const mark = Object.hasOwn(marks, status) ? marks[status] : ' ';
      return `[plan] [${mark ?? ' '}] ${printable(content, lineCharactersMax)}`;
    });
    return this.note(lines.join('\n'));
  }

  private async costs(update: Update): Promise<boolean> {
    const parsed = usage.safeParse(update);
    if (parsed.success) await this.cost(Math.round(parsed.data.cost.amount * 1_000_000));
    return false;
  }
}
