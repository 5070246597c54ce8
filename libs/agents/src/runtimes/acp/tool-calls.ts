// The tool calls that an agent has told of: what a later word about one of them leaves out is remembered here, for a while.
import { z } from 'zod';
import { toolKinds, type ToolKind } from './acp.options.js';
import { printable } from './printable.js';

const callsMax = 500;
const titleCharactersMax = 200;
const toolCallId = z.string().min(1).max(512);

const told = z.looseObject({
  toolCallId,
  title: z.string().nullish(),
  kind: z.enum(toolKinds).nullish().catch('other'),
  status: z.string().nullish(),
});

interface ToolCall {
  readonly title: string;
  readonly kind: ToolKind;
}

export interface ToldCall extends ToolCall {
  readonly isNew: boolean;
  /** It was not told before, or by another title. */
  readonly isNews: boolean;
  readonly status?: string | null;
}

export class ToolCalls {
  private readonly known = new Map<string, ToolCall>();

  /** Undefined for what is no tool call. */
  hear(value: unknown): ToldCall | undefined {
    const parsed = told.safeParse(value);
    if (!parsed.success) return undefined;
    const { toolCallId: id, title, kind, status } = parsed.data;
    const before = this.known.get(id);
    const name = title ? printable(title, titleCharactersMax) : before?.title;
    const call = { title: name ?? 'a tool', kind: kind ?? before?.kind ?? 'other' };
    this.keep(id, call);
    return { ...call, isNew: before === undefined, isNews: before?.title !== call.title, status };
  }

  /** The oldest is forgotten first. */
  private keep(id: string, call: ToolCall): void {
    this.known.delete(id);
    this.known.set(id, call);
    const [oldest] = this.known.keys();
    if (this.known.size > callsMax && oldest !== undefined) this.known.delete(oldest);
  }
}
