// A page of one connection's journal on its way into the fleet view: what it tells, and what the agents become by it.
import type { AgentEvent, AgentResource } from '#protocol';
import type { Move } from './counts.js';
import { fold } from './fold.js';

export class Page {
  readonly changed = new Map<string, AgentResource>();
  private readonly found = new Map<string, AgentResource | undefined>();
  readonly heard: { readonly cursor: number; readonly event: AgentEvent }[] = [];

  constructor(
    private readonly find: (agentId: string) => Promise<AgentResource | undefined>,
    private readonly owner: string,
  ) {}

  /** What a connection tells of another's agents counts for nothing. [F-12] */
  async take(cursor: number, event: AgentEvent | null): Promise<void> {
    if (!event) return;
    const before = this.changed.get(event.subject) ?? (await this.first(event.subject));
    if (before && before.owner !== this.owner) return;
    const after = fold(before ?? null, event, this.owner);
    if (after && after !== before) this.changed.set(event.subject, after);
    this.heard.push({ cursor, event });
  }

  /** Each agent that changed, as it was before this page and as it is after. */
  get moves(): Move[] {
    return [...this.changed].map(([agentId, after]) => ({ before: this.found.get(agentId), after }));
  }

  private async first(agentId: string): Promise<AgentResource | undefined> {
    const agent = await this.find(agentId);
    this.found.set(agentId, agent);
    return agent;
  }
}
