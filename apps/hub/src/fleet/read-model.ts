// The fleet in the store: each agent as the journals tell of it, the order of all and the ids of those that live, written together
// with how far each journal has been read. So a start reads what it shows, not how that came about.
import { isTerminal, type AgentCounts, type AgentResource } from '#protocol';
import type { AgentPage, AgentQuery } from '#api';
import type { Key, Store } from '#store';
import { counted, noCounts, type Move } from './counts.js';
import { cursorAt, fits, placeOf, type Owners } from './order.js';

/** Entries of one read of an index. */
const pageMax = 200;
/** Agents that one listing looks at below the border; a longer search goes on with its next page. */
const scanMax = 5_000;

const agentKey = (agentId: string): Key => ['hub', 'fleet', 'agent', agentId];
const liveIndex: Key = ['hub', 'fleet', 'live'];
const liveKey = (agentId: string): Key => ['hub', 'fleet', 'live', agentId];
const timeIndex: Key = ['hub', 'fleet', 'by-time'];
const timeKey = (place: string): Key => ['hub', 'fleet', 'by-time', place];
const cursorsIndex: Key = ['hub', 'fleet', 'cursor'];
const cursorKey = (connectionId: string): Key => ['hub', 'fleet', 'cursor', connectionId];

/** How far a journal was read, and what that made. Before there were counts, the figure alone. */
interface Read {
  readonly cursor: number;
  readonly counts: AgentCounts;
}

/** Of a journal: after the cursor `from`, up to `to`. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

const cursorOf = (value: Read | number) => (typeof value === 'number' ? value : value.cursor);

export class ReadModel {
  constructor(private readonly store: Store) {}

  async get(agentId: string): Promise<AgentResource | undefined> {
    return (await this.store.get<AgentResource>(agentKey(agentId)))?.value;
  }

  /** How far each connection's journal has been read. */
  async cursors(): Promise<Map<string, number>> {
    const cursors = new Map<string, number>();
    for await (const { key, value } of this.reads()) cursors.set(key.at(-1) ?? '', cursorOf(value));
    return cursors;
  }

  /** Of each connection, as far as its journal has been read. */
  async counts(): Promise<Map<string, AgentCounts>> {
    const counts = new Map<string, AgentCounts>();
    for await (const { key, value } of this.reads())
      counts.set(key.at(-1) ?? '', typeof value === 'number' ? noCounts : value.counts);
    return counts;
  }

  /** Counts what was written before there were counts. Until then nothing may be committed. */
  async recount(): Promise<void> {
    const old = [];
    for await (const entry of this.reads()) if (typeof entry.value === 'number') old.push(entry);
    if (old.length === 0) return;
    const counts = new Map<string, AgentCounts>();
    for await (const after of this.before())
      counts.set(after.owner, counted(counts.get(after.owner) ?? noCounts, [{ before: undefined, after }]));
    for (const { key, value, version } of old) {
      const read: Read = { cursor: cursorOf(value), counts: counts.get(key.at(-1) ?? '') ?? noCounts };
      await this.store.commit({ checks: [{ key, version }], puts: [{ key, value: read }] });
    }
  }

  /**
   * One commit: what the agents have become between `from` and `to` of the journal, and that it was read so far. Nothing when
   * another replica did it; of what one did in part the rest is counted.
   */
  async commit(connectionId: string, { from, to }: Stretch, moves: readonly Move[]): Promise<void> {
    const { puts, deletes } = written(moves);
    const key = cursorKey(connectionId);
    for (;;) {
      const entry = await this.store.get<Read>(key);
      if ((entry?.value.cursor ?? 0) >= to) return;
      const left = (entry?.value.cursor ?? 0) > from ? await this.since(moves) : moves;
      const value: Read = { cursor: to, counts: counted(entry?.value.counts ?? noCounts, left) };
      const checks = [{ key, version: entry?.version ?? null }];
      if ((await this.store.commit({ checks, puts: [{ key, value }, ...puts], deletes })).ok) return;
    }
  }

  /** One commit of what became known otherwise than by the journal, which stays where it was. False when it moved meanwhile. */
  async amend(connectionId: string, moves: readonly Move[]): Promise<boolean> {
    const { puts, deletes } = written(moves);
    const key = cursorKey(connectionId);
    const entry = await this.store.get<Read>(key);
    const value: Read = { cursor: entry?.value.cursor ?? 0, counts: counted(entry?.value.counts ?? noCounts, moves) };
    const checks = [{ key, version: entry?.version ?? null }];
    return (await this.store.commit({ checks, puts: [{ key, value }, ...puts], deletes })).ok;
  }

  /** From what the store has of the agents already. */
  private since(moves: readonly Move[]): Promise<Move[]> {
    return Promise.all(moves.map(async ({ after }) => ({ before: await this.get(after.agentId), after })));
  }

  async *live(): AsyncIterable<AgentResource> {
    for await (const { value } of this.entries<string>(liveIndex)) {
      const agent = await this.get(value);
      if (agent) yield agent;
    }
  }

  /** All agents before the place, newest first. */
  async *before(place?: string): AsyncIterable<AgentResource> {
    for await (const { value } of this.entries<string>(timeIndex, true, place)) {
      const agent = await this.get(value);
      if (agent) yield agent;
    }
  }

  /** Goes on with a page whose newer agents were in memory: those before `place`. */
  async older(query: AgentQuery, owners: Owners, place: string, newer: AgentResource[]): Promise<AgentPage> {
    const agents = [...newer];
    let scanned = 0;
    for await (const agent of this.before(place)) {
      const last = agents.at(-1);
      if (agents.length === query.limit && last) return { agents, nextCursor: cursorAt(placeOf(last)) };
      if (fits(agent, query, owners)) agents.push(agent);
      if (++scanned === scanMax) return { agents, nextCursor: cursorAt(placeOf(agent)) };
    }
    return { agents };
  }

  private reads() {
    return this.entries<Read | number>(cursorsIndex);
  }

  private async *entries<T>(index: Key, reverse = false, before?: string) {
    let after: Key | undefined = before === undefined ? undefined : ([...index, before] as unknown as Key);
    for (;;) {
      const page = await this.store.list<T>(index, { ...(after && { after }), limit: pageMax, reverse });
      yield* page;
      after = page.at(-1)?.key;
      if (page.length < pageMax) return;
    }
  }
}

function written(moves: readonly Move[]) {
  const agents = moves.map(({ after }) => after);
  const live = agents.filter(({ state }) => !isTerminal(state));
  const puts = [
    ...agents.map((agent) => ({ key: agentKey(agent.agentId), value: agent })),
    ...agents.map((agent) => ({ key: timeKey(placeOf(agent)), value: agent.agentId })),
    ...live.map(({ agentId }) => ({ key: liveKey(agentId), value: agentId })),
  ];
  const deletes = agents.filter((agent) => !live.includes(agent)).map(({ agentId }) => liveKey(agentId));
  return { puts, deletes };
}
