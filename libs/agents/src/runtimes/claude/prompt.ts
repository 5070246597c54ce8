// What the model is told: the profile's instructions and the place as system prompt, the task as the first message.
import type { BetaMessageParam } from '@anthropic-ai/sdk/resources/beta';
import type { AgentTask } from '../runtime.js';
import { workFolder } from '../inside.js';

export function systemPrompt({ profile, skills, session }: AgentTask): string {
  return [profile.systemPrompt.trim(), place(profile.writes), skillList(skills), ending(session)]
    .filter(Boolean)
    .join('\n\n');
}

/** Every field of the request that the model has to know. Items are numbered as the result has to answer them. */
export function taskMessage(task: AgentTask): string {
  const items = task.workItems.map((text, index) => `Item ${index}: ${text}`);
  return [
    `Task: ${task.taskId}`,
    `Agent type: ${task.agentType}`,
    `Repository: ${task.repository}`,
    `Branch: ${task.branch}`,
    '',
    'Work items:',
    ...items,
  ].join('\n');
}

/** What a later turn of a session is about. It has one item, whatever the task had. */
export function followUp(input: string): string {
  return ['The next turn of this session. Its result answers this one item:', `Item 0: ${input}`].join('\n');
}

/** The conversation with a new question at its end. Two messages of the user in a row become one. */
export function asked(past: readonly BetaMessageParam[], text: string): BetaMessageParam[] {
  const last = past.at(-1);
  if (last?.role !== 'user') return [...past, { role: 'user', content: text }];
  const before = typeof last.content === 'string' ? [{ type: 'text' as const, text: last.content }] : last.content;
  return [...past.slice(0, -1), { role: 'user', content: [...before, { type: 'text', text }] }];
}

function place(writes: boolean): string {
  const worktree = writes ? 'You may change it.' : 'It is read-only: nothing you do can change it, `bash` included.';
  return [
    `You work in a sandbox without network. The repository is checked out at ${workFolder}, your working directory. ${worktree}`,
    'Nobody can answer questions while you work. Programs that you leave running end with you.',
  ].join('\n');
}

function skillList(skills: AgentTask['skills']): string {
  if (skills.length === 0) return '';
  const lines = skills.map(({ name, description, path }) => `- ${name}: ${description} (${path}/SKILL.md)`);
  return ['Skills for this task. Read the file of one before you do what it describes:', ...lines].join('\n');
}

function ending(session: string | undefined): string {
  const ends = session === undefined ? 'It ends your work.' : 'It ends the turn; you may be asked for another.';
  return [
    `When you are done, or cannot get further, call \`submit_result\` once. ${ends}`,
    'Answer every work item by its number, and say plainly what is not done.',
  ].join('\n');
}
