// The fleet as lists and counts: read here, with how old each spoke's word is, or asked of the spokes themselves by a deadline.
import { agentStates, WritError, type AgentCountsResource, type AgentResource } from '#protocol';
import type { AgentPage, AgentQuery } from '#api';
import { jointState, type Connection } from '#federation';
import { noCounts, summed } from '../fleet/counts.js';
import type { Fleet } from '../fleet/fleet.js';
import { fits, placeOf, type Owners } from '../fleet/order.js';
import type { SpokeClients } from '../spokes/spoke.clients.js';
import type { Spokes } from '../spokes/spokes.js';

/** Agents that a live list takes of one spoke; whoever has more is cut, which the list says. */
const perSpokeMax = 1_000;
const pageMax = 200;
const deadlineMsDefault = 2_000;

type Told = { readonly agents: readonly AgentResource[]; readonly more: boolean };
type Heard = Told | { readonly name: string; readonly reason: string };

export class Listing {
  constructor(
    private readonly spokes: Spokes,
    private readonly fleet: Fleet,
    private readonly clients: Pick<SpokeClients, 'question' | 'isReady'>,
  ) {}

  /** @throws WritError `spoke_unknown`, `invalid_request` */
  async list(query: AgentQuery): Promise<AgentPage> {
    const owners = await this.spokes.owners(query);
    if (query.live) return this.live(query, owners);
    const page = await this.fleet.page(query, owners);
    const stale = this.meant(owners).filter(({ id }) => !this.clients.isReady(id));
    return {
      ...page,
      agents: page.agents.map((agent) => this.marked(agent)),
      stale: stale.map((one) => this.age(one)),
    };
  }

  async counts(): Promise<AgentCountsResource> {
    const counts = await this.fleet.counts();
    const spokes = this.meant(undefined).map((connection) => ({
      ...this.age(connection),
      id: connection.peer.id,
      connected: this.clients.isReady(connection.id),
      counts: counts.get(connection.id) ?? noCounts,
    }));
    return { total: summed(counts.values()), spokes };
  }

  /** Says on which spoke it is, and how old our word of it is. */
  marked(agent: AgentResource): AgentResource {
    return { ...agent, ...this.spokes.mark(agent.owner) };
  }

  private async live(query: AgentQuery, owners: Owners): Promise<AgentPage> {
    if (query.cursor !== undefined)
      throw new WritError('invalid_request', 'A live list is one page and takes no cursor.', { field: 'cursor' });
    const deadline = AbortSignal.timeout(query.deadlineMs ?? deadlineMsDefault);
    const heard = await Promise.all(this.meant(owners).map((one) => this.asked(one, query, deadline)));
    const told = heard.filter((one) => 'agents' in one);
    const agents = told.flatMap((one) => one.agents).sort((a, b) => (placeOf(a) < placeOf(b) ? 1 : -1));
    return {
      agents: agents.slice(0, query.limit),
      unanswered: heard.filter((one) => 'reason' in one),
      truncated: agents.length > query.limit || told.some(({ more }) => more),
    };
  }

  private async asked(connection: Connection, query: AgentQuery, deadline: AbortSignal): Promise<Heard> {
    const { peer } = connection;
    try {
      const { agents, more } = await this.pages(connection, query, deadline);
      const asOf = new Date().toISOString();
      return { agents: agents.map((agent) => ({ ...agent, spoke: { id: peer.id, name: peer.name }, asOf })), more };
    } catch (error) {
      return { name: peer.name, reason: error instanceof WritError ? error.detail : 'It did not answer.' };
    }
  }

  private async pages({ id }: Connection, query: AgentQuery, deadline: AbortSignal): Promise<Told> {
    const agents: AgentResource[] = [];
    const states = [...(query.states ?? agentStates)];
    for (let after: string | undefined, seen = 0; ;) {
      if (!this.clients.isReady(id)) throw new WritError('peer_unavailable', 'It is not connected now.');
      const args = { states, limit: Math.min(pageMax, query.limit), ...(after === undefined ? {} : { after }) };
      const page = await this.clients.question(id, 'agent.list', args, { signal: deadline });
      agents.push(...page.agents.filter((agent) => fits(agent, query, undefined)));
      seen += page.agents.length;
      after = page.next;
      if (after === undefined || agents.length > query.limit) return { agents, more: after !== undefined };
      if (seen >= perSpokeMax) return { agents, more: true };
    }
  }

  private meant(owners: Owners): readonly Connection[] {
    const open = this.spokes.all().filter((one) => ['active', 'suspended'].includes(jointState(one)));
    return open.filter(({ id }) => owners?.has(id) ?? true);
  }

  private age({ id, peer }: Connection): { readonly name: string; readonly asOf?: string } {
    const { asOf } = this.spokes.mark(id);
    return { name: peer.name, ...(asOf === undefined ? {} : { asOf }) };
  }
}
