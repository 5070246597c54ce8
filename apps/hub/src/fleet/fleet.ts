// The fleet view: every agent on every spoke, fed by the journals. What lives and what ended lately is in memory, older agents in
// the store. It is as old as the last word of each spoke.
import { EventEmitter, once } from 'node:events';
import { isTerminal, type AgentCounts, type AgentEvent, type AgentResource } from '#protocol';
import type { AgentPage, AgentQuery } from '#api';
import { fleetEventsOf, InTurn, type JournalEntry } from '#federation';
import { StreamTail, type Store } from '#store';
import { AgentsIndex } from './agents.index.js';
import { eventOf } from './entry.js';
import { JournalReader, type JournalSteps, type Place } from './journal.reader.js';
import { cursorAt, placeIn, placeOf, type Owners } from './order.js';
import { Outputs } from './outputs.js';
import { Page } from './page.js';
import { ReadModel } from './read-model.js';

/** Events that are folded and committed together: with the agents they change they fit into one commit. */
const pageMax = 32;
/** Entries of one read of what was folded before. */
const tailPageMax = 256;

/** Told of every event, in the order of its connection's journal, after the view has it; of the kept tail once more after a start. */
export type FleetListener = (connectionId: string, event: AgentEvent) => void;

export interface FleetOptions {
  /** Agents that have ended and stay in memory; older ones are read from the store. */
  readonly fleetEndedMax: number;
  /** Accepted events of each connection that stay in the store when the view has them. */
  readonly eventsKeptMax: number;
}

export class Fleet {
  private readonly agents: AgentsIndex;
  private readonly outputs = new Outputs();
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly following = new Map<string, Promise<void>>();
  private readonly places = new Map<string, number>();
  /** Emits a connection's id when its place has moved. */
  private readonly moved = new EventEmitter().setMaxListeners(0);
  /** What is read and what is amended never overlap. */
  private readonly turns = new InTurn();
  private readonly stopping = new AbortController();
  private readonly model: ReadModel;
  private readonly tail: StreamTail;
  private readonly reader: JournalReader;
  private loaded: Promise<ReadonlyMap<string, number>> | undefined;

  constructor(
    private readonly store: Store,
    private readonly told: FleetListener,
    failed: (error: unknown) => void,
    private readonly options: FleetOptions,
    /** Told of a connection whose journal began anew, after the view has all of the epoch before. */
    private readonly broke: (connectionId: string) => void = () => undefined,
  ) {
    this.agents = new AgentsIndex(options.fleetEndedMax);
    this.model = new ReadModel(store);
    this.tail = new StreamTail(store, options.eventsKeptMax);
    const steps: JournalSteps = {
      known: async (id) => (await this.load()).get(id) ?? 0,
      begins: (id, cursor) => this.arrived(id, cursor),
      step: (id, at) => this.turns.run(id, () => this.step(id, at)),
      recall: (id, through) => this.recall(id, through),
      failed,
    };
    this.reader = new JournalReader(store, steps, this.stopping.signal);
  }

  /** Reads what the connection's journal holds, then goes on reading as it grows. Resolves when the view has caught up. */
  async follow(connectionId: string): Promise<void> {
    if (this.following.has(connectionId)) return;
    const { promise: caughtUp, resolve } = Promise.withResolvers<undefined>();
    this.following.set(
      connectionId,
      this.reader.keepReading(connectionId, () => resolve(undefined)),
    );
    await caughtUp;
  }

  /** What lives, and of what has ended the newest; and how far the journals were read when that was written, or earlier. */
  private load(): Promise<ReadonlyMap<string, number>> {
    this.loaded ??= this.loadOnce().catch((error: unknown) => {
      this.loaded = undefined;
      throw error;
    });
    return this.loaded;
  }

  private async loadOnce(): Promise<ReadonlyMap<string, number>> {
    await this.model.recount();
    const cursors = await this.model.cursors();
    const newest: AgentResource[] = [];
    for await (const agent of this.model.before()) {
      if (newest.length === this.options.fleetEndedMax) this.agents.border = placeOf(agent);
      if (newest.length === this.options.fleetEndedMax) break;
      if (isTerminal(agent.state)) newest.push(agent);
    }
    for (const agent of newest.reverse()) this.agents.put(agent);
    for await (const agent of this.model.live()) this.agents.put(agent);
    return cursors;
  }

  /** One page of the journal: folded, committed with the place in it, then shown and told. False when there is nothing more. */
  private async step(connectionId: string, at: Place): Promise<boolean> {
    const stream = fleetEventsOf(connectionId);
    const entries = await this.store.read<JournalEntry>(stream, { after: at.cursor, limit: pageMax });
    const last = entries.at(-1)?.cursor;
    if (last === undefined || this.stopping.signal.aborted) return false;
    const page = new Page((agentId) => this.find(agentId), connectionId);
    for (const { cursor, value } of entries) await page.take(cursor, eventOf(value));
    await this.model.commit(connectionId, { from: at.cursor, to: last }, page.moves);
    this.show(connectionId, page);
    await this.tail.passed(stream, at.cursor, last);
    at.cursor = last;
    this.arrived(connectionId, last);
    if (entries.some(({ value }) => value.kind === 'break')) this.broke(connectionId);
    return true;
  }

  private arrived(connectionId: string, cursor: number): void {
    this.places.set(connectionId, cursor);
    this.moved.emit(connectionId);
  }

  /** Takes in what a journal should have told of one of its connection's agents. False when it has to be tried again. */
  amend(connectionId: string, event: AgentEvent): Promise<boolean> {
    return this.turns.run(connectionId, async () => {
      const page = new Page((agentId) => this.model.get(agentId), connectionId);
      await page.take(this.places.get(connectionId) ?? 0, event);
      if (page.moves.length > 0 && !(await this.model.amend(connectionId, page.moves))) return false;
      // Another replica may have been first: then the store has what is missing here.
      const now = await this.model.get(event.subject);
      if (now) for (const gone of this.agents.put(now)) this.outputs.forget(gone);
      this.changes.emit(event.subject);
      return true;
    });
  }

  /** Takes over from the store what has ended there and lives on here. */
  async refresh(connectionId: string): Promise<void> {
    await this.turns.run(connectionId, async () => {
      for (const { agentId, state } of [...this.agents.of(connectionId)]) {
        const now = isTerminal(state) ? undefined : await this.model.get(agentId);
        if (!now || !isTerminal(now.state)) continue;
        for (const gone of this.agents.put(now)) this.outputs.forget(gone);
        this.changes.emit(agentId);
      }
    });
  }

  private show(connectionId: string, { changed, heard }: Page): void {
    for (const agent of changed.values()) for (const gone of this.agents.put(agent)) this.outputs.forget(gone);
    for (const { cursor, event } of heard) {
      if (this.agents.get(event.subject)) this.outputs.note(event, cursor);
      this.told(connectionId, event);
      this.changes.emit(event.subject);
    }
  }

  /** What was folded before this start and is still kept: where output lies, and what the listener may have missed at the end of the last run. */
  private async recall(connectionId: string, through: number): Promise<void> {
    const stream = fleetEventsOf(connectionId);
    for (let after = 0; after < through && !this.stopping.signal.aborted;) {
      const entries = await this.store.read<JournalEntry>(stream, { after, limit: tailPageMax });
      for (const { cursor, value } of entries) {
        const event = cursor <= through ? eventOf(value) : null;
        if (!event || this.agents.get(event.subject)?.owner !== connectionId) continue;
        this.outputs.note(event, cursor);
        this.told(connectionId, event);
      }
      after = entries.at(-1)?.cursor ?? through;
    }
  }

  /** An agent in memory: every one that lives, and the newest of those that ended. */
  get(agentId: string): AgentResource | undefined {
    return this.agents.get(agentId);
  }

  /** Any agent that a journal told of. */
  async find(agentId: string): Promise<AgentResource | undefined> {
    return this.agents.get(agentId) ?? this.model.get(agentId);
  }

  /** From memory as far as it is whole, from the store beyond. @throws WritError `invalid_request` for a cursor of no page */
  async page(query: AgentQuery, owners?: Owners): Promise<AgentPage> {
    const from = query.cursor === undefined ? undefined : placeIn(query.cursor);
    const isLive = query.states?.every((state) => !isTerminal(state)) ?? false;
    const border = isLive ? '' : this.agents.border;
    const newer = this.agents.between(query, owners, from, border);
    const agents = newer.slice(0, query.limit);
    const last = agents.at(-1);
    if (last && newer.length > agents.length) return { agents, nextCursor: cursorAt(placeOf(last)) };
    if (border === '') return { agents };
    const below = `${border}~`;
    return this.model.older(query, owners, from !== undefined && from < below ? from : below, agents);
  }

  /** How many agents of a connection have not ended, as far as its journal says. */
  live(connectionId: string): number {
    return this.agents.live(connectionId);
  }

  /** By connection, of all that the journals told of, as far as they have been read. */
  counts(): Promise<ReadonlyMap<string, AgentCounts>> {
    return this.model.counts();
  }

  /** All that have not ended and fit, as far as the journals say. */
  living(query: Pick<AgentQuery, 'states' | 'taskId' | 'agentType'>, owners?: Owners): readonly AgentResource[] {
    return this.agents.living(query, owners);
  }

  /** Events of a connection that were accepted and are not in the view yet. */
  async lag(connectionId: string): Promise<number> {
    const head = await this.store.head(fleetEventsOf(connectionId));
    return Math.max(0, head - (this.places.get(connectionId) ?? 0));
  }

  /** Resolves once the view has the journal as far as that, or at the signal. */
  async reached(connectionId: string, cursor: number, signal: AbortSignal): Promise<void> {
    const either = AbortSignal.any([signal, this.stopping.signal]);
    void this.follow(connectionId);
    while (!either.aborted && (this.places.get(connectionId) ?? 0) < cursor)
      await once(this.moved, connectionId, { signal: either }).catch(() => undefined);
  }

  of(connectionId: string): Iterable<AgentResource> {
    return this.agents.of(connectionId);
  }

  /** The output from that byte on, as far as the journal brought it; undefined when only the spoke has it. */
  async journaled(agentId: string, offset: number): Promise<{ text: string; next: number } | undefined> {
    const piece = this.outputs.at(agentId, offset);
    const owner = this.agents.get(agentId)?.owner;
    if (!piece || owner === undefined) return undefined;
    const [record] = await this.store.read<JournalEntry>(fleetEventsOf(owner), { after: piece.cursor - 1, limit: 1 });
    const event = record?.cursor === piece.cursor ? eventOf(record.value) : null;
    if (event?.type !== 'agent.output') return undefined;
    const bytes = Buffer.from(event.data.text ?? '').subarray(offset - piece.offset);
    return { text: bytes.toString(), next: piece.offset + piece.bytes };
  }

  /** Resolves at the agent's next event, after `waitMs` or at the signal, whichever comes first. */
  async changed(agentId: string, waitMs: number, signal?: AbortSignal): Promise<void> {
    const either = AbortSignal.any([AbortSignal.timeout(waitMs), ...(signal ? [signal] : [])]);
    await once(this.changes, agentId, { signal: either }).catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.following.values());
  }
}
