// A task of which its spoke has not told yet, made of the order that is on its way there.
import { isTerminal, type AgentResource, type Problem } from '#protocol';
import type { OrderedSpawn } from '../gateway.js';
import { standingOf, type Standing } from './states.js';
import { historyOf, statusOf, taskOf } from './tasks.js';
import type { Task, TaskState } from './wire.js';

/** What there is of a task. */
export type Seen = { readonly agent: AgentResource } | { readonly ordered: OrderedSpawn };

/** Without artifacts. */
export function taskSeen(seen: Seen): Task {
  return 'ordered' in seen ? taskOfOrder(seen.ordered) : taskOf(seen.agent);
}

/** The state that it ended in. */
export function endOf(seen: Seen): string | undefined {
  if ('ordered' in seen) return seen.ordered.state === 'failed' ? 'failed' : undefined;
  return isTerminal(seen.agent.state) ? seen.agent.state : undefined;
}

export function standingSeen(seen: Seen): Standing {
  return 'ordered' in seen ? standingOfOrder(seen.ordered) : standingOf(seen.agent);
}

export function taskOfOrder(order: OrderedSpawn, historyLength?: number): Task {
  const { agentId, commandId, spoke, state, args } = order;
  const where = { id: agentId, contextId: args.taskId };
  const history = historyOf({ agentId, ...args }).slice(0, historyLength);
  const status = statusOf(where, standingOfOrder(order));
  const metadata = { pending: { commandId, spoke, state } };
  return { ...where, status, ...(history.length > 0 && { history }), metadata };
}

export function standingOfOrder({ state, orderedAt, settledAt, problem, spoke, commandId }: OrderedSpawn): Standing {
  if (state === 'failed') return { state: refused(problem), at: settledAt ?? orderedAt, words: problem?.detail };
  const late = `${spoke} did not answer command ${commandId} in time: whether it began is known when it is heard again.`;
  const words = state === 'timed_out' ? late : `The command ${commandId} is on its way to ${spoke}.`;
  return { state: 'TASK_STATE_SUBMITTED', at: orderedAt, words };
}

/** A kill came first, nobody was there to take it, or the spoke would not. */
function refused(problem: Problem | undefined): TaskState {
  if (problem?.code === 'killed') return 'TASK_STATE_CANCELED';
  return problem?.code === 'peer_unavailable' ? 'TASK_STATE_FAILED' : 'TASK_STATE_REJECTED';
}
