// The hub's door: spawns, kills and answers for agents that live on partners' spokes.
import { agentIdOf, commandBytes, commandBytesMax, isTerminal, newNonce, turnTaken, WritError } from '#protocol';
import type { Actor, AgentResource, SpawnArgs } from '#protocol';
import { Gateway } from '#api';
import type {
  AgentPage,
  AgentQuery,
  Caller,
  CloseCommand,
  EventGap,
  EventPiece,
  KillOutcome,
  KillScope,
  LatchResource,
  OutputPiece,
  SendCommand,
  Sent,
  SpawnCommand,
  Spawned,
} from '#api';
import { fleetEventsOf, type Connection, type JournalEntry } from '#federation';
import { watchMany, type Store } from '#store';
import type { CommandRecord } from '../commands/command.js';
import type { CommandsService, Order } from '../commands/commands.service.js';
import { eventOf } from '../fleet/entry.js';
import type { HubConfig } from '../config.js';
import type { Fleet } from '../fleet/fleet.js';
import type { InstanceView } from '../instance.js';
import type { Latches } from '../latches.js';
import type { Queries } from '../spokes/queries.js';
import type { Spokes } from '../spokes/spokes.js';
import { allRefused, killOutcomeOf, notRefused, pendingOf } from './outcome.js';
import { OutputReader } from './output.js';

/** How long a reset waits for the spokes' word, in milliseconds. */
const resumeMs = 5_000;

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
  readonly patience: HubConfig['commands'];
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
    refuseOversize(args, idk);
    const agentId = agentIdOf(connection.id, idk);
    const unless = this.hub.latches.forbidding(connection.peer.name);
    const order = { op: 'agent.spawn', args, actor, idk, agentId, ttlMs: this.hub.patience.spawnMs, unless } as const;
    const command = await this.order(connection, order, waitMs);
    return command.state === 'delivered'
      ? { agent: await this.spawned(agentId, connection.id) }
      : { pending: pendingOf(command) };
  }

  /** The journal may be a moment behind the signed answer; when it stays behind, the spoke is asked. */
  private async spawned(agentId: string, connectionId: string): Promise<AgentResource> {
    if (!this.hub.fleet.get(agentId)) await this.hub.fleet.changed(agentId, journalLagMs);
    return this.marked(
      this.hub.fleet.get(agentId) ?? (await this.hub.queries.ask(connectionId, 'agent.status', { agentId })),
    );
  }

  async list(query: AgentQuery): Promise<AgentPage> {
    const connection = query.spoke === undefined ? undefined : await this.hub.spokes.find(query.spoke);
    const page = await this.hub.fleet.page(query, connection?.id);
    return { ...page, agents: page.agents.map((agent) => this.marked(agent)) };
  }

  async get(agentId: string): Promise<AgentResource> {
    return this.marked(await this.known(agentId));
  }

  async *output(agentId: string, cursor: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece> {
    yield* this.reader.follow((await this.known(agentId)).agentId, offsetOf(cursor), signal);
  }

  async readOutput(agentId: string, cursor: string | undefined, bytesMax: number): Promise<OutputPiece> {
    return this.reader.upTo((await this.known(agentId)).agentId, offsetOf(cursor), bytesMax);
  }

  async diff(agentId: string): Promise<{ text: string; truncated: boolean }> {
    return this.hub.queries.ask((await this.known(agentId)).owner, 'agent.artifact', { agentId, kind: 'diff' });
  }

  async send({ actor }: Caller, { agentId, input, idempotencyKey, waitMs }: SendCommand): Promise<Sent> {
    const connection = await this.hub.spokes.byConnection(await this.ownerOf(agentId));
    const ttlMs = this.hub.patience.spawnMs;
    const order = { op: 'agent.send', args: { agentId, input }, actor, idk: idempotencyKey, agentId, ttlMs } as const;
    const command = await this.order(connection, order, waitMs);
    return command.state === 'delivered' ? { turn: turnTaken.parse(command.body) } : { pending: pendingOf(command) };
  }

  async close({ actor }: Caller, { agentId, force, reason, waitMs }: CloseCommand): Promise<Spawned> {
    const connection = await this.hub.spokes.byConnection(await this.ownerOf(agentId));
    const args = { agentId, force, reason };
    const order = { op: 'agent.close', args, actor, agentId, ttlMs: this.hub.patience.spawnMs } as const;
    const command = await this.order(connection, order, waitMs);
    if (command.state !== 'delivered') return { pending: pendingOf(command) };
    return { agent: await this.ended(agentId) };
  }

  /** The journal may be a moment behind the signed answer. */
  private async ended(agentId: string): Promise<AgentResource> {
    const known = await this.known(agentId);
    if (!isTerminal(known.state)) await this.hub.fleet.changed(agentId, journalLagMs);
    return this.hub.queries.ask(known.owner, 'agent.status', { agentId }).then(
      (agent) => this.marked(agent),
      async () => this.marked(await this.known(agentId)),
    );
  }

  async kill({ actor }: Caller, agentId: string, reason: string, waitMs: number): Promise<KillOutcome> {
    const connection = await this.hub.spokes.byConnection(await this.ownerOf(agentId));
    const order = {
      op: 'agent.kill',
      args: { agentId, reason },
      actor,
      agentId,
      ttlMs: this.hub.patience.killMs,
    } as const;
    return killOutcomeOf([await this.order(connection, order, waitMs)], this.liveOn);
  }

  async killAll({ actor }: Caller, { scope, reason }: KillScope, waitMs: number): Promise<KillOutcome> {
    const { connections, name } = await this.hub.spokes.inScope(scope);
    await this.hub.latches.set({ scope: name, reason, actor });
    const stopped = connections.map((connection) => this.stop(connection, actor, reason, waitMs));
    return killOutcomeOf((await Promise.all(stopped)).flat(), this.liveOn);
  }

  /** All that lives there, and every spawn on its way: a spoke that is away shall not begin it later. [K-3] */
  private stop(connection: Connection, actor: Actor, reason: string, waitMs: number): Promise<CommandRecord[]> {
    const common = { actor, ttlMs: this.hub.patience.killMs } as const;
    const spawning = this.hub.commands.underWay('agent.spawn', connection.id);
    const orders: Given[] = [
      { ...common, op: 'agents.kill', args: { reason } },
      ...spawning.map(({ agentId }) => ({ ...common, op: 'agent.kill' as const, args: { agentId, reason }, agentId })),
    ];
    return Promise.all(orders.map((order) => this.hub.commands.execute(addressed(connection, order), waitMs)));
  }

  latches(): Promise<readonly LatchResource[]> {
    return this.hub.latches.list();
  }

  async reset({ actor }: Caller, { scope, reason }: KillScope): Promise<readonly LatchResource[]> {
    const { connections, name } = await this.hub.spokes.inScope(scope);
    const order = { op: 'agents.resume', args: { reason }, actor, ttlMs: this.hub.patience.spawnMs } as const;
    const resumed = connections.map((one) => this.hub.commands.execute(addressed(one, order), resumeMs));
    const commands = await Promise.all(resumed);
    await this.hub.latches.clear({ scope: name, reason, actor });
    allRefused(commands);
    return this.hub.latches.list();
  }

  async *events(cursor: string | undefined, signal: AbortSignal): AsyncIterable<EventPiece | EventGap> {
    const streams = () => Promise.resolve(this.hub.spokes.all().map(({ id }) => fleetEventsOf(id)));
    for await (const piece of watchMany<JournalEntry>(this.hub.store, streams, cursor, signal)) {
      const { cursor } = piece;
      const spoke = this.hub.spokes.nameOf(piece.stream.at(-1) ?? '');
      const event = 'value' in piece && eventOf(piece.value);
      if (event) yield { cursor, event, spoke };
      if ('missing' in piece) yield { cursor, missing: piece.missing, spoke };
    }
  }

  instance() {
    return this.hub.view.instance();
  }

  ready() {
    return this.hub.view.ready();
  }

  private async known(agentId: string): Promise<AgentResource> {
    const agent = await this.hub.fleet.find(agentId);
    if (!agent) throw new WritError('not_found', `No spoke has told of an agent ${agentId}.`);
    return agent;
  }

  /** A spawn that is still on its way has no journal yet: its command says where it goes. */
  private async ownerOf(agentId: string): Promise<string> {
    return (
      this.hub.fleet.get(agentId)?.owner ??
      (await this.hub.commands.destination(agentId)) ??
      (await this.known(agentId)).owner
    );
  }

  /** Says on which spoke it is, and how old our word of it is. */
  private marked(agent: AgentResource): AgentResource {
    return { ...agent, ...this.hub.spokes.mark(agent.owner) };
  }

  private readonly liveOn = (connectionId: string): readonly string[] => {
    const agents = [...this.hub.fleet.of(connectionId)];
    return agents.filter(({ state }) => !isTerminal(state)).map(({ agentId }) => agentId);
  };

  private async order(connection: Connection, order: Given, waitMs: number): Promise<CommandRecord> {
    return notRefused(await this.hub.commands.execute(addressed(connection, order), waitMs));
  }
}

type Given = Omit<Order, 'connectionId' | 'spoke'>;

function addressed(connection: Connection, order: Given): Order {
  return { ...order, connectionId: connection.id, spoke: connection.peer.name };
}

/** What can never be sent is refused before anything is written down. @throws WritError `too_large` */
function refuseOversize(args: SpawnArgs, idk: string): void {
  const bytes = commandBytes({ id: '63', op: 'agent.spawn', args, idk, gv: Number.MAX_SAFE_INTEGER });
  if (bytes <= commandBytesMax) return;
  const detail = `With its work items the command has ${bytes} bytes; a signed one has at most ${commandBytesMax}.`;
  throw new WritError('too_large', detail, { field: 'context.workItems' });
}

function offsetOf(cursor: string | undefined): number {
  const offset = Number(cursor ?? 0);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new WritError('invalid_request', 'The cursor is not one of this output.', { field: 'cursor' });
}
