// Reads and changes records of agents. A change is one compare-and-set with its events in the same commit; there is no
// lock, so nothing can hang on one. [L-1] [L-2] [L-3] [L-4]
import { WritError, type AgentEvent, type Usage } from '#protocol';
import type { Commit, CommitResult, Entry, Put, Store } from '#store';
import { agentEvents } from '../agents.js';
import type { Ledger, Posted } from './ledger.js';
import { isLive, leaseKey, recordKey, type AgentRecord, type Lease } from './record.js';

/** Tries against other writers of the same record before giving up. */
const TRIES_MAX = 30;

/** What a record becomes. `lease`: null deletes it, absent leaves it. */
export interface Step {
  readonly record: AgentRecord;
  readonly events?: readonly AgentEvent[];
  readonly lease?: Lease | null;
  /** What this step spends: counted for the day in the same commit. */
  readonly spent?: Usage;
  readonly puts?: readonly Put[];
}

export class Register {
  /** Records of agents that run here, as last committed. A cache: a stale one only costs a second try. */
  private readonly held = new Map<string, Entry<AgentRecord>>();

  constructor(
    private readonly store: Store,
    private readonly ledger: Ledger,
  ) {}

  read(agentId: string): Promise<Entry<AgentRecord> | null> {
    return this.store.get<AgentRecord>(recordKey(agentId));
  }

  lease(agentId: string): Promise<Entry<Lease> | null> {
    return this.store.get<Lease>(leaseKey(agentId));
  }

  /** @throws WritError `not_found`, also for an agent of another owner. [F-12] */
  async find(agentId: string, owner?: string): Promise<AgentRecord> {
    const entry = await this.read(agentId);
    if (!entry || (owner !== undefined && entry.value.owner !== owner))
      throw new WritError('not_found', 'There is no agent with this id.', { field: 'agentId' });
    return entry.value;
  }

  hold(record: AgentRecord, version: string): void {
    this.held.set(record.agentId, { key: recordKey(record.agentId), value: record, version });
  }

  release(agentId: string): void {
    this.held.delete(agentId);
  }

  /** The record as this process last saw it, without asking the store. */
  last(agentId: string): AgentRecord | undefined {
    return this.held.get(agentId)?.value;
  }

  /** Applies a step; null changes nothing. Judged anew whenever someone else was faster. @throws what `step` throws. */
  async change(agentId: string, step: (record: AgentRecord) => Step | null): Promise<AgentRecord> {
    let entry = this.held.get(agentId) ?? (await this.read(agentId));
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      if (!entry) throw new WritError('not_found', 'There is no agent with this id.', { field: 'agentId' });
      const next = step(entry.value);
      if (!next) return entry.value;
      const version = await this.write(entry, next);
      if (version !== null) return this.took(entry, next.record, version);
      entry = await this.refreshed(agentId);
    }
    throw new WritError('store_unavailable', 'The record of the agent is changed too often by others.');
  }

  private took(before: Entry<AgentRecord>, record: AgentRecord, version: string): AgentRecord {
    if (this.held.has(record.agentId)) this.held.set(record.agentId, { key: before.key, value: record, version });
    return record;
  }

  /** After a conflict: what the store has, or what another change of this process has just put there. */
  private async refreshed(agentId: string): Promise<Entry<AgentRecord> | null> {
    const entry = await this.read(agentId);
    if (entry && this.held.has(agentId)) this.held.set(agentId, entry);
    return entry;
  }

  /** Null when someone else was faster. What frees a place or spends goes through the ledger. */
  private async write(entry: Entry<AgentRecord>, step: Step): Promise<string | null> {
    const { record, events = [], lease, puts: more = [] } = step;
    const checks = [{ key: entry.key, version: entry.version }];
    const puts = [
      { key: entry.key, value: record },
      ...more,
      ...(lease ? [{ key: leaseKey(record.agentId), value: lease }] : []),
    ];
    const appends = events.map((value) => ({ stream: agentEvents(record.owner), value }));
    const isEnd = isLive(entry.value.state) && !isLive(record.state);
    if (isEnd || step.spent) {
      const { agentId, owner, context } = record;
      const change = { agentId, owner, repository: context.repository, checks, puts, appends };
      const counted = isEnd ? ({ by: -1, end: record.state, wallMs: wallMsOf(record) } as const) : ({ by: 0 } as const);
      return versionOf(await this.ledger.post({ ...change, ...counted, usage: step.spent }));
    }
    const deletes = lease === null ? [leaseKey(record.agentId)] : [];
    return resultOf(await this.commit({ checks, puts, deletes, appends }));
  }

  private commit(commit: Commit): Promise<CommitResult> {
    return this.store.commit(commit);
  }
}

const versionOf = (posted: Posted) => (posted.kind === 'done' ? posted.version : null);
const resultOf = (result: CommitResult) => (result.ok ? result.version : null);

function wallMsOf({ spawnedAt, endedAt }: AgentRecord): number {
  return endedAt === undefined ? 0 : Math.max(0, Date.parse(endedAt) - Date.parse(spawnedAt));
}
