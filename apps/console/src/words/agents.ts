// What is said of an agent in a word or two.
import type { AgentResource } from '#protocol';

/** The state, more precisely where something more is known: what it waits for, whether a session is idle. */
export function stateWord({ state, phase, activity, question }: AgentResource): string {
  if (question && (state === 'spawning' || state === 'running')) return 'asks';
  if (state === 'spawning') return phase ?? state;
  if (state === 'running' && activity === 'idle') return 'idle';
  return state;
}

/** The last two parts of its path. */
export function repositoryName(url: string): string {
  return url
    .replace(/\.git$/, '')
    .split(/[/:]/)
    .filter((part) => part !== '')
    .slice(-2)
    .join('/');
}

export const isOver = ({ state }: AgentResource) => state === 'completed' || state === 'failed' || state === 'killed';
