// What the model is told: the profile's instructions and the place as system prompt, the task as the first message.
import type { BetaMessageParam } from '@anthropic-ai/sdk/resources/beta';
import type { AgentTask } from '../runtime.js';
import { brief, whatEnds } from '../task-text.js';

export function systemPrompt(task: AgentTask): string {
  return brief(task, ending(task.session));
}

/** The conversation with a new question at its end. Two messages of the user in a row become one. */
export function asked(past: readonly BetaMessageParam[], text: string): BetaMessageParam[] {
  const last = past.at(-1);
  if (last?.role !== 'user') return [...past, { role: 'user', content: text }];
  const before = typeof last.content === 'string' ? [{ type: 'text' as const, text: last.content }] : last.content;
  return [...past.slice(0, -1), { role: 'user', content: [...before, { type: 'text', text }] }];
}

function ending(session: string | undefined): string {
  return [
    `When you are done, or cannot get further, call \`submit_result\` once. ${whatEnds(session)}`,
    'Answer every work item by its number, and say plainly what is not done.',
  ].join('\n');
}
