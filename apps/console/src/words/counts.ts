// Of agents by state: how many live, and how many there are.
import type { AgentCounts } from '#protocol';

export const aliveIn = ({ spawning, running }: AgentCounts): number => spawning + running;
export const allIn = (counts: AgentCounts): number => Object.values(counts).reduce((sum, one) => sum + one, 0);

/** What moves an agent from one state to another. */
export const countedBy: ReadonlySet<string> = new Set([
  'agent.spawned',
  'agent.running',
  'agent.completed',
  'agent.failed',
  'agent.killed',
]);
