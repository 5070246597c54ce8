// The hub's door: spawns, kills and answers for agents that live on partners' spokes.
import { agentIdOf, newNonce, WritError, type AgentResource } from '#protocol';
import { Gateway } from '#api';
import type {
  AgentPage,
  AgentQuery,
  Caller,
  EventPiece,
  KillOutcome,
  KillScope,
  LatchResource,
  OutputPiece,
  SpawnCommand,
  Spawned,
} from '#api';
import { fleetEventsOf, type Connection, type JournalEntry } from '#federation';
import { watchMany, type Store } from '#store';
import type { CommandRecord } from '../commands/command.js';
import type { CommandsService, Order } from '../commands/commands.service.js';
import { eventOf } from '../fleet/entry.js';
import type { Fleet } from '../fleet/fleet.js';
import type { InstanceView } from '../instance.js';
import type { Latches } from '../latches.js';
import type { Queries } from '../spokes/queries.js';
import type { Spokes } from '../spokes/spokes.js';
import { killOutcomeOf, notRefused, pendingOf } from './outcome.js';
import { OutputReader } from './output.js';

/** How long the hub goes on trying, in milliseconds. A kill outlives a long partition; a spawn is not wanted an hour later. */
const ttlMs = { spawn: 60_000, kill: 24 * 3_600_000 };

/** How long a fresh agent's first event may be behind the signed answer before the spoke is asked, in milliseconds. */
const journalLagMs = 2_000;

export interface HubParts {
  readonly spokes: Spokes;
  readonly fleet: Fleet;
  readonly commands: CommandsService;
  readonly queries: Queries;
  readonly latches: Latches;
  readonly store: Store;
  readonly view: InstanceView;
}

export class HubGateway extends Gateway {
  private readonly reader: OutputReader;

  constructor(private readonly hub: HubParts) {
    super();
    const ask = ({ owner, agentId }: AgentResource, offset: number) =>
      hub.queries.ask(owner, 'agent.output', { agentId, offset, bytesMax: 65_536 });
    this.reader = new OutputReader(hub.fleet, ask);
  }

  async spawn({ actor }: Caller, { spoke, args, idempotencyKey, waitMs }: SpawnCommand): Promise<Spawned> {
    if (spoke === undefined)
      throw new WritError('invalid_request', 'A hub needs to know on which spoke.', { field: 'spoke' });
    const connection = await this.hub.spokes.usable(spoke);
    await this.hub.latches.refuseSpawn(connection.peer.name);
    const idk = idempotencyKey ?? newNonce();
    const agentId = agentIdOf(connection.id, idk);
    const command = await this.order(
      connection,
      { op: 'agent.spawn', args, actor, idk, agentId, ttlMs: ttlMs.spawn },
      waitMs,
    );
    return command.state === 'delivered'
      ? { agent: await this.spawned(agentId, connection.id) }
      : { pending: pendingOf(command) };
  }

  /** The journal may be a moment behind the signed answer; when it stays behind, the spoke is asked. */
  private async spawned(agentId: string, connectionId: string): Promise<AgentResource> {
    const changed = this.hub.fleet.changed(agentId, journalLagMs, new AbortController().signal);
    if (!this.hub.fleet.get(agentId)) await changed;
    return this.marked(
      this.hub.fleet.get(agentId) ?? (await this.hub.queries.ask(connectionId, 'agent.status', { agentId })),
    );
  }

  async list(query: AgentQuery): Promise<AgentPage> {
    const connection = query.spoke === undefined ? undefined : await this.hub.spokes.find(query.spoke);
    const page = this.hub.fleet.page(query, connection?.id);
    return { ...page, agents: page.agents.map((agent) => this.marked(agent)) };
  }

  get(agentId: string): Promise<AgentResource> {
    return Promise.resolve().then(() => this.marked(this.known(agentId)));
  }

  async *output(agentId: string, cursor: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece> {
    yield* this.reader.follow(this.known(agentId).agentId, offsetOf(cursor), signal);
  }

  async readOutput(agentId: string, cursor: string | undefined): Promise<OutputPiece> {
    return this.reader.next(this.known(agentId).agentId, offsetOf(cursor));
  }

  async diff(agentId: string): Promise<{ text: string; truncated: boolean }> {
    return this.hub.queries.ask(this.known(agentId).owner, 'agent.artifact', { agentId, kind: 'diff' });
  }

  async kill({ actor }: Caller, agentId: string, reason: string, waitMs: number): Promise<KillOutcome> {
    const connection = await this.hub.spokes.byConnection(await this.ownerOf(agentId));
    const order = { op: 'agent.kill', args: { agentId, reason }, actor, agentId, ttlMs: ttlMs.kill } as const;
    return killOutcomeOf([await this.order(connection, order, waitMs)]);
  }

  async killAll({ actor }: Caller, { scope, reason }: KillScope, waitMs: number): Promise<KillOutcome> {
    const connections = await this.hub.spokes.inScope(scope);
    await this.hub.latches.set({ scope, reason, actor });
    const order = { op: 'agents.kill', args: { reason }, actor, ttlMs: ttlMs.kill } as const;
    return killOutcomeOf(await Promise.all(connections.map((connection) => this.order(connection, order, waitMs))));
  }

  latches(): Promise<readonly LatchResource[]> {
    return this.hub.latches.list();
  }

  async reset({ actor }: Caller, { scope, reason }: KillScope): Promise<readonly LatchResource[]> {
    const connections = await this.hub.spokes.inScope(scope);
    const order = { op: 'agents.resume', args: { reason }, actor, ttlMs: ttlMs.spawn } as const;
    await Promise.all(connections.map((connection) => this.order(connection, order, 5_000)));
    await this.hub.latches.clear({ scope, reason, actor });
    return this.hub.latches.list();
  }

  async *events(cursor: string | undefined, signal: AbortSignal): AsyncIterable<EventPiece> {
    const streams = () => Promise.resolve(this.hub.spokes.all().map(({ id }) => fleetEventsOf(id)));
    for await (const piece of watchMany<JournalEntry>(this.hub.store, streams, cursor, signal)) {
      const event = eventOf(piece.value);
      if (event) yield { cursor: piece.cursor, event, spoke: this.hub.spokes.nameOf(piece.stream.at(-1) ?? '') };
    }
  }

  instance() {
    return this.hub.view.instance();
  }

  ready() {
    return this.hub.view.ready();
  }

  private known(agentId: string): AgentResource {
    const agent = this.hub.fleet.get(agentId);
    if (!agent) throw new WritError('not_found', `No spoke has told of an agent ${agentId}.`);
    return agent;
  }

  /** A spawn that is still on its way has no journal yet: its command says where it goes. */
  private async ownerOf(agentId: string): Promise<string> {
    return (
      this.hub.fleet.get(agentId)?.owner ?? (await this.hub.commands.destination(agentId)) ?? this.known(agentId).owner
    );
  }

  /** Says on which spoke it is, and how old our word of it is. */
  private marked(agent: AgentResource): AgentResource {
    return { ...agent, ...this.hub.spokes.mark(agent.owner) };
  }

  private async order(
    connection: Connection,
    order: Omit<Order, 'connectionId' | 'spoke'>,
    waitMs: number,
  ): Promise<CommandRecord> {
    const whole = { ...order, connectionId: connection.id, spoke: connection.peer.name };
    return notRefused(await this.hub.commands.execute(whole, waitMs));
  }
}

function offsetOf(cursor: string | undefined): number {
  const offset = Number(cursor ?? 0);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new WritError('invalid_request', 'The cursor is not one of this output.', { field: 'cursor' });
}
