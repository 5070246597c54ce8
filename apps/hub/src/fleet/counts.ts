// How many agents of a connection are in which state: kept beside the place up to which its journal was read, in one record.
import { agentStates, type AgentCounts, type AgentResource } from '#protocol';

/** What became of an agent in one page of a journal. */
export interface Move {
  readonly before: AgentResource | undefined;
  readonly after: AgentResource;
}

export const noCounts = Object.fromEntries(agentStates.map((state) => [state, 0])) as AgentCounts;

export function counted(counts: AgentCounts, moves: readonly Move[]): AgentCounts {
  const next = { ...counts };
  for (const { before, after } of moves) {
    if (before) next[before.state] -= 1;
    next[after.state] += 1;
  }
  return next;
}

export function summed(all: Iterable<AgentCounts>): AgentCounts {
  const sum = { ...noCounts };
  for (const counts of all) for (const state of agentStates) sum[state] += counts[state];
  return sum;
}
