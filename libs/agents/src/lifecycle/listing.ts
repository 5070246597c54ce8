// Lists of agents, newest first, by keyset. Live ones are found by their leases, history by the index of times.
import { WritError, type AgentResource } from '#protocol';
import type { Entry, Key, Store } from '#store';
import type { AgentFilter } from '../agents.js';
import { isLive, leases, recordKey, resourceOf, timeIndex, timeOrder, type AgentRecord, type Lease } from './record.js';

const PAGE = 200;
/** Index entries that one call looks at; a longer search goes on with `next`. */
const SCAN_MAX = 5_000;
const LIMIT_MAX = 1_000;

export interface AgentPage {
  readonly agents: readonly AgentResource[];
  readonly next?: string;
}

export class Listing {
  constructor(private readonly store: Store) {}

  async list(filter: AgentFilter): Promise<AgentPage> {
    const limit = Math.min(filter.limit ?? 100, LIMIT_MAX);
    const before = filter.after === undefined ? undefined : await this.orderOf(filter.after, filter.owner);
    const onlyLive = filter.states !== undefined && filter.states.every(isLive);
    return onlyLive ? this.live(filter, limit, before) : this.history(filter, limit, before);
  }

  /** Every lease, page by page. Bounded by the number of live agents and unfinished clean-ups. */
  async *leases(): AsyncGenerator<Lease> {
    let after: Key | undefined;
    for (;;) {
      const page = await this.store.list<Lease>(leases, { after, limit: 1_000 });
      for (const entry of page) yield entry.value;
      after = page.at(-1)?.key;
      if (page.length < 1_000) return;
    }
  }

  async liveLeases(owner?: string): Promise<Lease[]> {
    const found: Lease[] = [];
    for await (const lease of this.leases())
      if (!lease.ending && (owner === undefined || lease.owner === owner)) found.push(lease);
    return found;
  }

  /** How many live agents are still spawning, and how many run. */
  async living(): Promise<{ readonly spawning: number; readonly running: number }> {
    const records = await this.records((await this.liveLeases()).map((lease) => lease.agentId));
    const spawning = records.filter(({ state }) => state === 'spawning').length;
    return { spawning, running: records.filter(({ state }) => state === 'running').length };
  }

  private async live(filter: AgentFilter, limit: number, before?: string): Promise<AgentPage> {
    const records = await this.records((await this.liveLeases(filter.owner)).map((lease) => lease.agentId));
    const wanted = records
      .filter((record) => matches(record, filter) && (before === undefined || timeOrder(record) < before))
      .sort((a, b) => (timeOrder(a) < timeOrder(b) ? 1 : -1));
    const agents = wanted.slice(0, limit).map(resourceOf);
    return { agents, ...(wanted.length > limit ? { next: agents.at(-1)?.agentId } : {}) };
  }

  private async history(filter: AgentFilter, limit: number, before?: string): Promise<AgentPage> {
    const index = timeIndex(filter.owner);
    const agents: AgentResource[] = [];
    let after: Key | undefined = before === undefined ? undefined : [...index, before];
    for (let scanned = 0; scanned < SCAN_MAX; scanned += PAGE) {
      const page: readonly Entry<string>[] = await this.store.list<string>(index, {
        after,
        limit: PAGE,
        reverse: true,
      });
      for (const record of await this.records(page.map((entry) => entry.value))) {
        if (!matches(record, filter)) continue;
        agents.push(resourceOf(record));
        if (agents.length === limit) return { agents, next: record.agentId };
      }
      if (page.length < PAGE) return { agents };
      after = page.at(-1)?.key;
    }
    return { agents, next: after?.at(-1)?.slice(16) };
  }

  private async records(agentIds: readonly string[]): Promise<AgentRecord[]> {
    const entries = await Promise.all(agentIds.map((agentId) => this.store.get<AgentRecord>(recordKey(agentId))));
    return entries.flatMap((entry) => (entry ? [entry.value] : []));
  }

  private async orderOf(agentId: string, owner?: string): Promise<string> {
    const entry = await this.store.get<AgentRecord>(recordKey(agentId));
    if (!entry || (owner !== undefined && entry.value.owner !== owner))
      throw new WritError('not_found', 'There is no agent with the id to go on from.', { field: 'after' });
    return timeOrder(entry.value);
  }
}

function matches(record: AgentRecord, filter: AgentFilter): boolean {
  if (filter.owner !== undefined && record.owner !== filter.owner) return false;
  if (filter.taskId !== undefined && record.taskId !== filter.taskId) return false;
  if (filter.agentType !== undefined && record.agentType !== filter.agentType) return false;
  return filter.states === undefined || filter.states.includes(record.state);
}
