// The fleet view: every agent on every spoke, fed by the journals, read from memory. It is as old as the last word of each spoke.
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AgentEvent, AgentResource } from '#protocol';
import type { AgentPage, AgentQuery } from '#api';
import { fleetEventsOf, type JournalEntry } from '#federation';
import type { Store } from '#store';
import { AgentsIndex } from './agents.index.js';
import { eventOf } from './entry.js';
import { fold } from './fold.js';
import { Outputs } from './outputs.js';

/** How long to rest before a journal that could not be read is read anew, in milliseconds. */
const readAgainMs = 1_000;

/** Told of every event, in the order of its connection's journal, after the view has it. */
export type FleetListener = (connectionId: string, event: AgentEvent) => void;

export class Fleet {
  private readonly agents = new AgentsIndex();
  private readonly outputs = new Outputs();
  private readonly changes = new EventEmitter().setMaxListeners(0);
  private readonly following = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: Store,
    private readonly told: FleetListener,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Reads what the connection's journal holds, then goes on reading as it grows. Resolves when the view has caught up. */
  async follow(connectionId: string): Promise<void> {
    if (this.following.has(connectionId)) return;
    const { promise: caughtUp, resolve } = Promise.withResolvers<undefined>();
    this.following.set(
      connectionId,
      this.keepReading(connectionId, () => resolve(undefined)),
    );
    await caughtUp;
  }

  /** A store that went away or began anew is read again from the start: what is known already changes nothing. */
  private async keepReading(connectionId: string, caughtUp: () => void): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      await this.read(connectionId, caughtUp).catch(this.failed);
      await sleep(readAgainMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
    caughtUp();
  }

  private async read(connectionId: string, caughtUp: () => void): Promise<void> {
    const head = await this.store.head(fleetEventsOf(connectionId));
    if (head === 0) caughtUp();
    const records = this.store.watch<JournalEntry>(fleetEventsOf(connectionId), 0, this.stopping.signal);
    for await (const { cursor, value } of records) {
      const event = eventOf(value);
      if (event) this.apply(connectionId, event, cursor);
      if (cursor >= head) caughtUp();
    }
  }

  private apply(connectionId: string, event: AgentEvent, cursor: number): void {
    const before = this.agents.get(event.subject);
    if (before && before.owner !== connectionId) return;
    const after = fold(before ?? null, event, connectionId);
    if (after) this.agents.put(after);
    this.outputs.note(event, cursor);
    this.told(connectionId, event);
    this.changes.emit(event.subject);
  }

  get(agentId: string): AgentResource | undefined {
    return this.agents.get(agentId);
  }

  page(query: AgentQuery, connectionId?: string): AgentPage {
    return this.agents.page(query, connectionId);
  }

  /** How many agents of a connection have not ended, as far as its journal says. */
  live(connectionId: string): number {
    return this.agents.live(connectionId);
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
    const event = record && eventOf(record.value);
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
