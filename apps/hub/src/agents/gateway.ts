// The hub's door: spawns, kills and answers for agents that live on partners' spokes. Each is done in the room it belongs to.
import { WritError } from '#protocol';
import type { AgentResource } from '#protocol';
import { Gateway } from '#api';
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
  SpawnCommand,
} from '#api';
import { fleetEventsOf, type JournalEntry } from '#federation';
import { endOfMany, watchMany, type Key, type Readiness, type Store } from '#store';
import type { Bundles } from '../artifacts/bundles.js';
import { askDiff } from '../artifacts/questions.js';
import { eventOf } from '../fleet/entry.js';
import type { Fleet } from '../fleet/fleet.js';
import type { InstanceView } from '../instance.js';
import type { Latches } from '../latches.js';
import type { Queries } from '../spokes/queries.js';
import type { Spokes } from '../spokes/spokes.js';
import type { Kills } from './kills.js';
import type { KnownAgents } from './known.js';
import type { Listing } from './listing.js';
import { OutputReader } from './output.js';
import type { Sessions } from './sessions.js';
import type { Spawning } from './spawning.js';

export interface HubParts {
  readonly spawning: Spawning;
  readonly sessions: Sessions;
  readonly kills: Kills;
  readonly known: KnownAgents;
  readonly listing: Listing;
  readonly fleet: Fleet;
  readonly queries: Queries;
  readonly bundles: Bundles;
  readonly latches: Latches;
  readonly spokes: Spokes;
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

  spawn(caller: Caller, command: SpawnCommand) {
    return this.hub.spawning.spawn(caller, command);
  }

  list(query: AgentQuery): Promise<AgentPage> {
    return this.hub.listing.list(query);
  }

  counts() {
    return this.hub.listing.counts();
  }

  get(agentId: string): Promise<AgentResource> {
    return this.hub.known.shown(agentId);
  }

  ordered(agentId: string) {
    return this.hub.known.ordered(agentId);
  }

  orders() {
    return this.hub.known.orders();
  }

  async *output(agentId: string, cursor: string | undefined, signal: AbortSignal): AsyncIterable<OutputPiece> {
    yield* this.reader.follow((await this.hub.known.find(agentId)).agentId, offsetOf(cursor), signal);
  }

  async readOutput(agentId: string, cursor: string | undefined, bytesMax: number): Promise<OutputPiece> {
    return this.reader.upTo((await this.hub.known.find(agentId)).agentId, offsetOf(cursor), bytesMax);
  }

  async diff(agentId: string): Promise<{ text: string; truncated: boolean }> {
    return askDiff(this.hub.queries, await this.hub.known.find(agentId));
  }

  async bundle(agentId: string): Promise<Bundle> {
    return this.hub.bundles.of(await this.hub.known.find(agentId));
  }

  send(caller: Caller, command: SendCommand) {
    return this.hub.sessions.send(caller, command);
  }

  checkpoints(agentId: string) {
    return this.hub.sessions.checkpoints(agentId);
  }

  restore(caller: Caller, command: RestoreCommand) {
    return this.hub.sessions.restore(caller, command);
  }

  close(caller: Caller, command: CloseCommand) {
    return this.hub.sessions.close(caller, command);
  }

  async kill(caller: Caller, agentId: string, reason: string, waitMs: number): Promise<KillOutcome> {
    return this.hub.kills.one(caller, { agentId, owner: await this.hub.known.ownerOf(agentId) }, reason, waitMs);
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

  eventsEnd() {
    return endOfMany(this.hub.store, this.streams());
  }

  /** Each once the fleet view has it: who hears of an agent and then asks for it gets no older answer. */
  async *events(after: string | undefined, signal: AbortSignal): AsyncIterable<EventPiece | EventGap> {
    const streams = () => Promise.resolve(this.streams());
    const shown: Readiness = (stream, at, stop) => this.hub.fleet.reached(connectionOf(stream), at, stop);
    for await (const piece of watchMany<JournalEntry>(this.hub.store, streams, after, signal, shown)) {
      const { cursor, stream } = piece;
      const spoke = this.hub.spokes.nameOf(connectionOf(stream));
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

  private streams(): Key[] {
    return this.hub.spokes.all().map(({ id }) => fleetEventsOf(id));
  }
}

function connectionOf(stream: Key): string {
  return String(stream.at(-1));
}

function offsetOf(cursor: string | undefined): number {
  const offset = Number(cursor ?? 0);
  if (Number.isSafeInteger(offset) && offset >= 0) return offset;
  throw new WritError('invalid_request', 'The cursor is not one of this output.', { field: 'cursor' });
}
