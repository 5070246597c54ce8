// What an agent that is told in words hears: who it is and where, which skills it has, its task, and what a later turn is about.
import type { AgentTask } from './runtime.js';
import { workFolder } from './inside.js';

/** The profile's instructions, the place and the skills; `ending` says how the work is handed in. */
export function brief({ profile, skills }: Pick<AgentTask, 'profile' | 'skills'>, ending: string): string {
  return [profile.systemPrompt.trim(), place(profile.writes), skillList(skills), ending].filter(Boolean).join('\n\n');
}

/** Every field of the request that the agent has to know. Items are numbered as the result has to answer them. */
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

/** What ends with the result. */
export function whatEnds(session: string | undefined): string {
  return session === undefined ? 'It ends your work.' : 'It ends the turn; you may be asked for another.';
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
