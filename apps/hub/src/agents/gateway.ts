// The hub's door: spawns, kills and answers for agents that live on partners' spokes.
import {
  agentIdOf,
  commandBytes,
  commandBytesMax,
  isTerminal,
  newNonce,
  restored,
  turnTaken,
  WritError,
} from '#protocol';
import type { Actor, AgentResource, CheckpointResource, SpawnArgs, SpokeSelector } from '#protocol';
import { Gateway, type Acts } from '#api';
import type {
  AgentPage,
  AgentQuery,
  Bundle,
  Caller,
  CloseCommand,
  EventGap,
  EventPiece,
  KillOutcome,
  KillScope,
  KillSelection,
  LatchResource,
  OutputPiece,
  RestoreCommand,
  SendCommand,
  Sent,
  SpawnCommand,
  Spawned,
  WentBack,
} from '#api';
import { fleetEventsOf, type Connection, type JournalEntry } from '#federation';
import { watchMany, type Store } from '#store';
import type { Bundles } from '../artifacts/bundles.js';
import { askDiff } from '../artifacts/questions.js';
import type { CommandRecord } from '../commands/command.js';
import type { CommandsService, Order } from '../commands/commands.service.js';
import { eventOf } from '../fleet/entry.js';
import type { HubConfig } from '../config.js';
import type { Fleet } from '../fleet/fleet.js';
import type { InstanceView } from '../instance.js';
import type { Latches } from '../latches.js';
import type { Placement } from '../spokes/placement.js';
import type { Queries } from '../spokes/queries.js';
import type { Spokes } from '../spokes/spokes.js';
import type { Kills } from './kills.js';
import type { Listing } from './listing.js';
import { notRefused, pendingOf } from './outcome.js';
import { OutputReader } from './output.js';

/** How long a fresh agent's first event may be behind the signed answer before the spoke is asked, in milliseconds. */
const journalLagMs = 2_000;

/** Spokes that a spawn without a name is offered to, when those before had no place. */
const placesMax = 3;
const noPlace: readonly string[] = ['capacity', 'latched', 'rate_limited', 'connection_inactive', 'connection_closed'];

export interface HubParts {
  readonly spokes: Spokes;
  readonly placement: Placement;
  readonly listing: Listing;
  readonly kills: Kills;
  readonly fleet: Fleet;
  readonly commands: CommandsService;
  readonly queries: Queries;
  readonly bundles: Bundles;
  readonly latches: Latches;
  readonly acts: Acts;
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

  async spawn(caller: Caller, { spoke, args, idempotencyKey, waitMs }: SpawnCommand): Promise<Spawned> {
    if (spoke === undefined)
      throw new WritError('invalid_request', 'A hub needs to know on which spoke.', { field: 'spoke' });
    const wish = { actor: caller.actor, args, idk: idempotencyKey ?? newNonce(), waitMs };
    if (typeof spoke === 'string') return this.spawnOn(await this.hub.spokes.usable(spoke), wish);
    return this.spawnSomewhere(spoke, wish);
  }

  /** One that has no place after all is passed over: what it refused was not begun. */
  private async spawnSomewhere(where: Exclude<SpokeSelector, string>, wish: Wish): Promise<Spawned> {
    const refused = new Set<string>();
    for (;;) {
      const connection = await this.hub.placement.choose(where, wish.args, wish.idk, refused);
      try {
        return await this.spawnOn(connection, wish);
      } catch (error) {
        refused.add(connection.id);
        if (!(error instanceof WritError) || !noPlace.includes(error.code) || refused.size >= placesMax) throw error;
      }
    }
  }

  private async spawnOn(connection: Connection, { actor, args, idk, waitMs }: Wish): Promise<Spawned> {
    await this.hub.latches.refuseSpawn(connection.peer.name);
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
    return this.hub.listing.marked(
      this.hub.fleet.get(agentId) ?? (await this.hub.queries.ask(connectionId, 'agent.status', { agentId })),
    );
  }

  list(query: AgentQuery): Promise<AgentPage> {
    return this.hub.listing.list(query);
  }

  counts() {
    return this.hub.listing.counts();
  }

  async get(agentId: string): Promise<AgentResource> {
    return this.hub.listing.marked(await this.known(agentId));
  }

  async *output(agentId: string, cursor: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece> {
    yield* this.reader.follow((await this.known(agentId)).agentId, offsetOf(cursor), signal);
  }

  async readOutput(agentId: string, cursor: string | undefined, bytesMax: number): Promise<OutputPiece> {
    return this.reader.upTo((await this.known(agentId)).agentId, offsetOf(cursor), bytesMax);
  }

  async diff(agentId: string): Promise<{ text: string; truncated: boolean }> {
    return askDiff(this.hub.queries, await this.known(agentId));
  }

  async bundle(agentId: string): Promise<Bundle> {
    return this.hub.bundles.of(await this.known(agentId));
  }

  async send({ actor }: Caller, { agentId, input, idempotencyKey, waitMs }: SendCommand): Promise<Sent> {
    const connection = await this.hub.spokes.byConnection(await this.ownerOf(agentId));
    const ttlMs = this.hub.patience.spawnMs;
    const order = { op: 'agent.send', args: { agentId, input }, actor, idk: idempotencyKey, agentId, ttlMs } as const;
    const command = await this.order(connection, order, waitMs);
    return command.state === 'delivered' ? { turn: turnTaken.parse(command.body) } : { pending: pendingOf(command) };
  }

  async checkpoints(agentId: string): Promise<readonly CheckpointResource[]> {
    return (await this.hub.queries.ask((await this.known(agentId)).owner, 'agent.checkpoints', { agentId }))
      .checkpoints;
  }

  async restore({ actor }: Caller, command: RestoreCommand): Promise<WentBack> {
    const { agentId, turn: to, reason, idempotencyKey: idk, waitMs } = command;
    const connection = await this.hub.spokes.byConnection(await this.ownerOf(agentId));
    await this.hub.acts.record({ act: 'agent.restore', subject: agentId, actor, detail: { to, reason } });
    const ttlMs = this.hub.patience.spawnMs;
    const order = { op: 'agent.restore', args: { agentId, to, reason }, actor, idk, agentId, ttlMs } as const;
    const sent = await this.order(connection, order, waitMs);
    return sent.state === 'delivered' ? { restored: restored.parse(sent.body) } : { pending: pendingOf(sent) };
  }

  async close({ actor }: Caller, { agentId, force, reason, waitMs }: CloseCommand): Promise<Spawned> {
    const connection = await this.hub.spokes.byConnection(await this.ownerOf(agentId));
    if (force) await this.hub.acts.record({ act: 'agent.close', subject: agentId, actor, detail: { reason, force } });
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
      (agent) => this.hub.listing.marked(agent),
      async () => this.hub.listing.marked(await this.known(agentId)),
    );
  }

  async kill(caller: Caller, agentId: string, reason: string, waitMs: number): Promise<KillOutcome> {
    return this.hub.kills.one(caller, { agentId, owner: await this.ownerOf(agentId) }, reason, waitMs);
  }

  killSelected(caller: Caller, kill: KillSelection, waitMs: number): Promise<KillOutcome> {
    return this.hub.kills.selected(caller, kill, waitMs);
  }

  killAll(caller: Caller, scope: KillScope, waitMs: number): Promise<KillOutcome> {
    return this.hub.kills.all(caller, scope, waitMs);
  }

  latches(): Promise<readonly LatchResource[]> {
    return this.hub.latches.list();
  }

  reset(caller: Caller, scope: KillScope): Promise<readonly LatchResource[]> {
    return this.hub.kills.reset(caller, scope);
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

  private async order(connection: Connection, order: Given, waitMs: number): Promise<CommandRecord> {
    const to = { connectionId: connection.id, spoke: connection.peer.name };
    return notRefused(await this.hub.commands.execute({ ...order, ...to }, waitMs));
  }
}

type Given = Omit<Order, 'connectionId' | 'spoke'>;

interface Wish {
  readonly actor: Actor;
  readonly args: SpawnArgs;
  readonly idk: string;
  readonly waitMs: number;
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
