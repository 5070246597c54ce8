// What a client of the Messages API sends, as far as the understudy has to understand it.
import { z } from 'zod';

const block = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  content: z.unknown().optional(),
  is_error: z.boolean().optional(),
});
const content = z.union([z.string(), z.array(block)]);

export const messagesRequest = z.looseObject({
  model: z.string().min(1),
  max_tokens: z.int().min(1),
  messages: z.array(z.looseObject({ role: z.enum(['user', 'assistant', 'system']), content })).min(1),
  system: content.optional(),
  stream: z.boolean().optional(),
});
export type MessagesRequest = z.infer<typeof messagesRequest>;

/** The same without a reply to bound. */
export const countRequest = messagesRequest.omit({ max_tokens: true });

type Content = z.infer<typeof content>;

export function systemOf(request: MessagesRequest): string {
  return request.system === undefined ? '' : textOf(request.system);
}

export function firstUserOf(request: MessagesRequest): string {
  const first = request.messages.find(({ role }) => role === 'user');
  return first ? textOf(first.content) : '';
}

/** How many replies were given before: the index of the turn that is asked for. */
export function turnIndexOf(request: MessagesRequest): number {
  return request.messages.filter(({ role }) => role === 'assistant').length;
}

/** The text of the tool results in the last message, and whether one of them is an error. */
export function lastToolResultOf(request: MessagesRequest): { text: string; failed: boolean } | undefined {
  const last = request.messages.at(-1)?.content;
  const results = Array.isArray(last) ? last.filter(({ type }) => type === 'tool_result') : [];
  if (results.length === 0) return undefined;
  const texts = results.map((result) => textOf(content.catch('').parse(result.content)));
  return { text: texts.join('\n'), failed: results.some((result) => result.is_error === true) };
}

function textOf(value: Content): string {
  return typeof value === 'string' ? value : value.map(({ text }) => text ?? '').join('\n');
}
