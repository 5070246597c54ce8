// The fleet's agents in memory, newest first, with the filters that a status query takes. Rebuilt from the journals at start.
import { isTerminal, WritError, type AgentResource } from '#protocol';
import type { AgentPage, AgentQuery } from '#api';

/** Sorts by time of spawn, then id: the order of the list and of its keyset cursor. */
function place(agent: Pick<AgentResource, 'spawnedAt' | 'agentId'>): string {
  return `${agent.spawnedAt} ${agent.agentId}`;
}

export class AgentsIndex {
  private readonly agents = new Map<string, AgentResource>();
  /** Ids, newest first; made anew only when an agent is added. */
  private order: readonly string[] | null = null;
  private readonly liveByOwner = new Map<string, number>();

  get(agentId: string): AgentResource | undefined {
    return this.agents.get(agentId);
  }

  put(agent: AgentResource): void {
    const before = this.agents.get(agent.agentId);
    if (!before) this.order = null;
    this.agents.set(agent.agentId, agent);
    this.liveByOwner.set(agent.owner, this.live(agent.owner) + lives(agent) - lives(before));
  }

  /** How many agents of a connection have not ended. */
  live(owner: string): number {
    return this.liveByOwner.get(owner) ?? 0;
  }

  *of(owner: string): Iterable<AgentResource> {
    for (const agent of this.agents.values()) if (agent.owner === owner) yield agent;
  }

  /** `owner` is the connection that `query.spoke` stands for. */
  page(query: AgentQuery, owner?: string): AgentPage {
    const found = this.newestFirst().filter((agent) => fits(agent, query, owner));
    const from = query.cursor === undefined ? undefined : decode(query.cursor);
    const rest = from === undefined ? found : found.filter((agent) => place(agent) < from);
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

function lives(agent: AgentResource | undefined): number {
  return agent && !isTerminal(agent.state) ? 1 : 0;
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

/** @throws WritError `invalid_request` for what no page gave out */
function decode(cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString();
  if (/^\S+Z [0-9a-f-]{36}$/.test(text) && encode(text) === cursor) return text;
  throw new WritError('invalid_request', 'The cursor is not one of an earlier page.', { field: 'cursor' });
}
