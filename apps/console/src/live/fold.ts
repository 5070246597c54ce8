// What an event makes of an agent that is shown: the same steps that the hub's own view takes, as far as the page shows them.
import type { AgentEvent, AgentResource, EventData } from '#protocol';
import { isOver } from '../words/agents.js';

type Happened = { readonly event: AgentEvent; readonly spoke?: string };

const nothingUsed: AgentResource['usage'] = {
  ...{ turns: 0, inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0, moneyMicroUsd: 0 },
};

/** An agent that an event is the first word of. */
export function born({ event, spoke }: Happened): AgentResource | undefined {
  if (event.type !== 'agent.spawned') return undefined;
  const { taskId, agentType, context, options, limits, actor } = event.data;
  return {
    ...{ agentId: event.subject, state: 'spawning', owner: 'local', spawnedAt: event.time, usage: nothingUsed },
    ...{ taskId, agentType, context, options, limits, actor, outputBytes: 0 },
    ...(spoke !== undefined && { spoke: { id: event.source, name: spoke } }),
  };
}

/** What may still be told of an agent that has ended. */
const afterwards: ReadonlySet<string> = new Set(['agent.cleanup', 'agent.output']);

/** The agent after the event; the same object when it says nothing new. */
export function after(agent: AgentResource, event: AgentEvent): AgentResource {
  if (isOver(agent) && !afterwards.has(event.type)) return agent;
  switch (event.type) {
    case 'agent.running':
      return { ...without(agent, 'phase'), state: 'running', startedAt: event.time, sandbox: event.data.sandbox };
    case 'agent.turn':
      return turned(agent, event.data, event.time);
    case 'agent.completed':
      return ended(agent, 'completed', event);
    case 'agent.failed':
      return ended(agent, 'failed', event);
    case 'agent.killed':
      return ended(agent, 'killed', event);
    case 'agent.usage':
      return { ...agent, usage: event.data.usage };
    case 'agent.output':
      return { ...agent, outputBytes: Math.max(agent.outputBytes, event.data.offset + event.data.bytes) };
    case 'agent.cleanup':
      return { ...agent, cleanup: event.data.cleanup };
    case 'agent.question':
      return { ...agent, question: event.data.question };
    case 'agent.answer':
      return { ...without(agent, 'question'), answer: event.data.answer };
    default:
      return agent;
  }
}

function without(agent: AgentResource, ...names: (keyof AgentResource)[]): AgentResource {
  const kept = Object.entries(agent).filter(([name]) => !names.includes(name as keyof AgentResource));
  return Object.fromEntries(kept) as AgentResource;
}

function turned(agent: AgentResource, data: EventData<'agent.turn'>, time: string): AgentResource {
  const { turnId, turn, activity, end, sessionEndsAt } = data;
  const taken = Math.max(agent.turns?.taken ?? 0, turn);
  const last = end ?? agent.turns?.last;
  const current = activity === 'busy' ? { turnId, turn, startedAt: time } : undefined;
  const turns = { taken, ...(current && { current }), ...(last && { last }) };
  return { ...agent, activity, turns, ...(sessionEndsAt !== undefined && { sessionEndsAt }) };
}

type End = Extract<AgentEvent, { type: 'agent.completed' | 'agent.failed' | 'agent.killed' }>;

function ended(agent: AgentResource, state: 'completed' | 'failed' | 'killed', { data, time }: End): AgentResource {
  const { reason, exitReason, usage, outputBytes, result } = data;
  const over = without(agent, 'activity', 'question', 'phase');
  const how = { exitReason, usage, outputBytes, ...(reason !== undefined && { reason }), ...(result && { result }) };
  return { ...over, state, endedAt: time, ...how };
}
