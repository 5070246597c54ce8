// The fleet's agents in memory, newest first, with the filters that a status query takes. Rebuilt from the journals at start.
import type { AgentResource } from '#protocol';
import type { AgentPage, AgentQuery } from '#api';

/** Sorts by time of spawn, then id: the order of the list and of its keyset cursor. */
function place(agent: Pick<AgentResource, 'spawnedAt' | 'agentId'>): string {
  return `${agent.spawnedAt} ${agent.agentId}`;
}

export class AgentsIndex {
  private readonly agents = new Map<string, AgentResource>();
  /** Ids, newest first; made anew only when an agent is added. */
  private order: readonly string[] | null = null;

  get(agentId: string): AgentResource | undefined {
    return this.agents.get(agentId);
  }

  put(agent: AgentResource): void {
    if (!this.agents.has(agent.agentId)) this.order = null;
    this.agents.set(agent.agentId, agent);
  }

  *of(owner: string): Iterable<AgentResource> {
    for (const agent of this.agents.values()) if (agent.owner === owner) yield agent;
  }

  /** `owner` is the connection that `query.spoke` stands for. */
  page(query: AgentQuery, owner?: string): AgentPage {
    const found = this.newestFirst().filter((agent) => fits(agent, query, owner));
    const rest =
      query.cursor === undefined ? found : found.filter((agent) => place(agent) < decode(query.cursor ?? ''));
    const agents = rest.slice(0, query.limit);
    const last = agents.at(-1);
    return last && rest.length > agents.length ? { agents, nextCursor: encode(place(last)) } : { agents };
  }

  private newestFirst(): readonly AgentResource[] {
    this.order ??= [...this.agents.values()]
      .sort((a, b) => (place(a) < place(b) ? 1 : -1))
      .map(({ agentId }) => agentId);
    return this.order.flatMap((id) => this.agents.get(id) ?? []);
  }
}

function fits(agent: AgentResource, query: AgentQuery, owner?: string): boolean {
  return (
    (owner === undefined || agent.owner === owner) &&
    (query.states === undefined || query.states.includes(agent.state)) &&
    (query.taskId === undefined || agent.taskId === query.taskId) &&
    (query.agentType === undefined || agent.agentType === query.agentType)
  );
}

const encode = (text: string) => Buffer.from(text).toString('base64url');
const decode = (cursor: string) => Buffer.from(cursor, 'base64url').toString();
