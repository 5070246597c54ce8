// Events of agents, made to the protocol's schema before they reach the store: what is journaled can be read by anyone.
import { randomUUID } from 'node:crypto';
import { agentEvent, type AgentEvent, type EventData, type EventType } from '#protocol';
import type { AgentRecord, Restoring } from './record.js';

export class EventMint {
  constructor(
    private readonly source: string,
    private readonly now: () => number,
  ) {}

  time(): string {
    return new Date(this.now()).toISOString();
  }

  of<T extends EventType>(type: T, subject: string, data: EventData<T>): AgentEvent {
    const event = { specversion: '1.0', id: randomUUID(), source: this.source, type, subject, time: this.time(), data };
    return agentEvent.parse(event);
  }

  spawned(record: AgentRecord): AgentEvent {
    const { taskId, agentType, context, options, limits, idk, actor } = record;
    return this.of('agent.spawned', record.agentId, { taskId, agentType, context, options, limits, idk, actor });
  }

  /** What is told of an agent that begins to run; of a session also its first turn. */
  begun(record: AgentRecord): AgentEvent[] {
    const { agentId, spawnedBy: actor, idk, turns } = record;
    if (!turns) return [this.running(record)];
    return [this.running(record), this.turn(record, { turnId: agentId, turn: 1, actor, idk })];
  }

  private running(record: AgentRecord): AgentEvent {
    const { level, enforced } = record.sandbox;
    return this.of('agent.running', record.agentId, { sandbox: { level, enforced: [...enforced] } });
  }

  /** A turn began, or with an `end` has ended. */
  turn(
    record: AgentRecord,
    given: Pick<EventData<'agent.turn'>, 'turnId' | 'turn' | 'actor' | 'idk' | 'end'>,
  ): AgentEvent {
    const { sessionEndsAt } = record;
    const activity = given.end ? 'idle' : 'busy';
    return this.of('agent.turn', record.agentId, { ...given, activity, ...(sessionEndsAt ? { sessionEndsAt } : {}) });
  }

  restored({ agentId }: AgentRecord, { turnId, turn, to, idk, actor, reason }: Restoring, left: number): AgentEvent {
    return this.of('agent.restored', agentId, { turnId, turn, to, left, idk, actor, reason });
  }

  /** The event of a terminal state. */
  ended(record: AgentRecord): AgentEvent {
    const { agentId, usage, outputBytes, result, actor, reason = '' } = record;
    const exitReason = record.exitReason ?? 'runtime_error';
    if (record.state === 'completed' && result)
      return this.of('agent.completed', agentId, { reason, exitReason, usage, outputBytes, result, actor });
    const type = record.state === 'killed' ? 'agent.killed' : 'agent.failed';
    return this.of(type, agentId, { reason, exitReason, usage, outputBytes, result, actor });
  }
}
