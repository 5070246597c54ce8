// Which agents are asked for: the filters stand in the address, so that a view can be kept and sent.
import type { AgentResource, AgentState, AgentType } from '#protocol';

export interface Filters {
  readonly states: readonly AgentState[];
  readonly agentType: AgentType | '';
  readonly spoke: string;
  readonly taskId: string;
  readonly label: string;
}

export const agentStates: readonly AgentState[] = ['spawning', 'running', 'completed', 'failed', 'killed'];
export const agentTypes: readonly AgentType[] = ['worker', 'reviewer', 'tester'];

/** What is no filter of ours is left out. */
export function filtersOf(query: URLSearchParams): Filters {
  const states = (query.get('state') ?? '').split(',');
  return {
    states: agentStates.filter((state) => states.includes(state)),
    agentType: agentTypes.find((type) => type === query.get('type')) ?? '',
    spoke: query.get('spoke') ?? '',
    taskId: query.get('task') ?? '',
    label: query.get('label') ?? '',
  };
}

/** As `GET /v1/agents` takes them. */
export function asQuery({ states, agentType, spoke, taskId, label }: Filters) {
  return { state: states, agentType, spoke, taskId, label };
}

/** Whether a newcomer belongs in the list, but for the label, which is the hub's to judge. */
export function fits(agent: AgentResource, { states, agentType, spoke, taskId }: Filters): boolean {
  if (states.length > 0 && !states.includes(agent.state)) return false;
  if (agentType !== '' && agent.agentType !== agentType) return false;
  if (taskId !== '' && agent.taskId !== taskId) return false;
  return spoke === '' || agent.spoke?.name === spoke || agent.spoke?.id === spoke;
}
