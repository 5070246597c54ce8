// What the model is told: the profile's instructions and the place as system prompt, the task as the first message.
import type { AgentTask } from '../runtime.js';
import { workFolder } from '../inside.js';

export function systemPrompt({ profile, skills }: AgentTask): string {
  return [profile.systemPrompt.trim(), place(profile.writes), skillList(skills), ending].filter(Boolean).join('\n\n');
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

const ending = [
  'When you are done, or cannot get further, call `submit_result` once. It ends your work.',
  'Answer every work item by its number, and say plainly what is not done.',
].join('\n');
