// The fleet's agents in memory: all that live, and of those that ended the newest. Below the border the store has to be asked.
import { isTerminal, type AgentResource } from '#protocol';
import type { AgentQuery } from '#api';
import { fits, placeOf, type Owners } from './order.js';

export class AgentsIndex {
  private readonly agents = new Map<string, AgentResource>();
  /** Ids, newest first; made anew only when agents come or go. */
  private order: readonly string[] | null = null;
  /** Ids of those that have ended, in the order in which that was heard. */
  private readonly ended = new Set<string>();
  private readonly liveByOwner = new Map<string, number>();
  /** Every agent with a later place is in memory. */
  border = '';

  constructor(private readonly endedMax: number) {}

  get(agentId: string): AgentResource | undefined {
    return this.agents.get(agentId);
  }

  /** Returns the ids of those that had to go for it. */
  put(agent: AgentResource): readonly string[] {
    const before = this.agents.get(agent.agentId);
    if (!before) this.order = null;
    this.agents.set(agent.agentId, agent);
    this.liveByOwner.set(agent.owner, this.live(agent.owner) + lives(agent) - lives(before));
    if (isTerminal(agent.state)) this.ended.add(agent.agentId);
    return this.evict();
  }

  /** How many agents of a connection have not ended. */
  live(owner: string): number {
    return this.liveByOwner.get(owner) ?? 0;
  }

  /** All that have not ended and fit. */
  living(query: Pick<AgentQuery, 'states' | 'taskId' | 'agentType'>, owners: Owners): AgentResource[] {
    return [...this.agents.values()].filter((agent) => !isTerminal(agent.state) && fits(agent, query, owners));
  }

  *of(owner: string): Iterable<AgentResource> {
    for (const agent of this.agents.values()) if (agent.owner === owner) yield agent;
  }

  /** Newest first, before the one place and after the other, one more than the query's limit at most. */
  between(query: AgentQuery, owners: Owners, before: string | undefined, border: string): AgentResource[] {
    const found: AgentResource[] = [];
    for (const agent of this.newestFirst()) {
      const place = placeOf(agent);
      if (place <= border || found.length > query.limit) break;
      if ((before === undefined || place < before) && fits(agent, query, owners)) found.push(agent);
    }
    return found;
  }

  private evict(): readonly string[] {
    const gone: string[] = [];
    for (const agentId of this.ended) {
      if (this.ended.size <= this.endedMax) break;
      this.drop(agentId);
      gone.push(agentId);
    }
    return gone;
  }

  private drop(agentId: string): void {
    const agent = this.agents.get(agentId);
    if (agent && placeOf(agent) > this.border) this.border = placeOf(agent);
    this.ended.delete(agentId);
    this.agents.delete(agentId);
    this.order = null;
  }

  private *newestFirst(): Iterable<AgentResource> {
    this.order ??= [...this.agents.values()]
      .map((agent) => [placeOf(agent), agent.agentId] as const)
      .sort(([a], [b]) => (a < b ? 1 : -1))
      .map(([, agentId]) => agentId);
    for (const id of this.order) {
      const agent = this.agents.get(id);
      if (agent) yield agent;
    }
  }
}

function lives(agent: AgentResource | undefined): number {
  return agent && !isTerminal(agent.state) ? 1 : 0;
}
