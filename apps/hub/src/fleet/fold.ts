// How an agent's events become the agent that the fleet view shows. Pure: the same journal gives the same fleet.
import { isTerminal, noUsage, type AgentEvent, type AgentResource, type AgentState } from '#protocol';

type Of<T extends AgentEvent['type']> = Extract<AgentEvent, { type: T }>;

/** What may still be told of an agent that has ended; its end itself is told once. */
const afterwards: ReadonlySet<AgentEvent['type']> = new Set(['agent.cleanup', 'agent.output']);

/** The agent after the event, or null when the event tells nothing of an agent we know. `owner` is the connection it came over. */
export function fold(before: AgentResource | null, event: AgentEvent, owner: string): AgentResource | null {
  if (event.type === 'agent.spawned') return before ?? born(event, owner);
  if (before === null || event.type === 'grant.changed') return before;
  if (isTerminal(before.state) && !afterwards.has(event.type)) return before;
  return { ...before, ...change(before, event) };
}

function born({ subject, time, data }: Of<'agent.spawned'>, owner: string): AgentResource {
  const { taskId, agentType, context, options, limits, actor } = data;
  const task = { agentId: subject, taskId, agentType, context, options, limits };
  return { ...task, state: 'spawning', owner, actor, spawnedAt: time, usage: noUsage, outputBytes: 0 };
}

function change(
  before: AgentResource,
  event: Exclude<AgentEvent, Of<'agent.spawned'> | Of<'grant.changed'>>,
): Partial<AgentResource> {
  switch (event.type) {
    case 'agent.running':
      return { state: 'running', startedAt: event.time, sandbox: event.data.sandbox, phase: undefined };
    case 'agent.turn':
      return turned(before, event);
    case 'agent.restored':
      return { activity: 'idle', turns: { ...before.turns, taken: event.data.turn } };
    case 'agent.completed':
      return ended(before, 'completed', event);
    case 'agent.failed':
      return ended(before, 'failed', event);
    case 'agent.killed':
      return ended(before, 'killed', event);
    case 'agent.cleanup':
      return { cleanup: event.data.cleanup };
    case 'agent.output':
      return { outputBytes: Math.max(before.outputBytes, event.data.offset + event.data.bytes) };
    case 'agent.usage':
      return { usage: event.data.usage };
    case 'agent.question':
      return { question: event.data.question, ...(before.state === 'spawning' && { phase: 'approval' }) };
    case 'agent.answer':
      return { question: undefined, answer: event.data.answer, phase: undefined };
  }
}

/** A turn that began, or ended under its own id; what it still asked nobody answers any more. */
function turned(before: AgentResource, { time, data }: Of<'agent.turn'>): Partial<AgentResource> {
  const { turnId, turn, activity, end, sessionEndsAt } = data;
  const last = end ?? before.turns?.last;
  const current = activity === 'busy' ? { turnId, turn, startedAt: time } : undefined;
  const turns = { taken: turn, current, last };
  return { activity, turns, question: undefined, ...(sessionEndsAt ? { sessionEndsAt } : {}) };
}

function ended(
  before: AgentResource,
  state: AgentState,
  { time, data }: Of<'agent.completed'> | Of<'agent.failed'> | Of<'agent.killed'>,
): Partial<AgentResource> {
  const over = before.turns ? { activity: undefined, turns: { ...before.turns, current: undefined } } : {};
  return { ...data, ...over, state, endedAt: time, phase: undefined, question: undefined };
}
