// Everything that changes the number of live agents goes through here: one counter, exact over all replicas, changed in
// the same commit as the records. What becomes ready while a commit is on its way shares the next one, so that a
// thousand spawns are a few commits and never fight each other for the counter.
import { WritError } from '#protocol';
import type { Append, Check, Commit, Entry, Key, Put, Store } from '#store';

/** Changes that share one commit at most. */
const BATCH_MAX = 64;
/** Changes that wait at most; beyond, spawns are refused. Those that free a place always wait. */
const QUEUE_MAX = 10_000;

const counter: Key = ['agents', 'live-count'];

interface Tally {
  readonly total: number;
  /** Owner and number; owners without live agents are left out. */
  readonly owners: readonly (readonly [string, number])[];
}

export interface Change {
  readonly agentId: string;
  readonly owner: string;
  readonly by: 1 | -1;
  /** For `by: 1`: refused when the spoke or the owner has that many live agents already. */
  readonly max?: { readonly spoke: number; readonly owner: number };
  readonly checks: readonly Check[];
  readonly puts: readonly Put[];
  readonly appends: readonly Append[];
}

export type Posted =
  | { readonly kind: 'done'; readonly version: string }
  | { readonly kind: 'full'; readonly of: 'spoke' | 'owner'; readonly live: number; readonly max: number }
  | { readonly kind: 'conflict'; readonly key: Key };

interface Waiting {
  readonly change: Change;
  resolve(posted: Posted): void;
  reject(error: unknown): void;
}

const same = (key: Key) => JSON.stringify(key);

export class Ledger {
  private queue: Waiting[] = [];
  private draining = false;
  private tally?: Entry<Tally>;

  constructor(private readonly store: Store) {}

  /** @throws WritError `capacity` when too much waits, `store_unavailable`: the outcome is then unknown. */
  post(change: Change): Promise<Posted> {
    if (change.by > 0 && this.queue.length >= QUEUE_MAX)
      throw new WritError('capacity', `${this.queue.length} spawns wait already.`, { retryAfterMs: 1_000 });
    const posted = new Promise<Posted>((resolve, reject) => this.queue.push({ change, resolve, reject }));
    if (!this.draining) void this.drain();
    return posted;
  }

  /** Live agents, over all owners or of one. */
  async live(owner?: string): Promise<number> {
    const tally = await this.store.get<Tally>(counter);
    if (!tally) return 0;
    if (owner === undefined) return tally.value.total;
    return tally.value.owners.find(([name]) => name === owner)?.[1] ?? 0;
  }

  /** Sets the counter to what the leases say. `count` is asked again when someone spawned meanwhile. */
  async recount(count: () => Promise<ReadonlyMap<string, number>>): Promise<void> {
    for (;;) {
      const before = await this.store.get<Tally>(counter);
      const tally = tallyOf(new Map(await count()));
      const checks = [{ key: counter, version: before?.version ?? null }];
      const result = await this.store.commit({ checks, puts: [{ key: counter, value: tally }] });
      this.tally = undefined;
      if (result.ok) return;
    }
  }

  private async drain(): Promise<void> {
    this.draining = true;
    while (this.queue.length > 0) {
      const batch = this.take();
      await this.settle(batch).catch((error: unknown) => this.fail(batch, error));
    }
    this.draining = false;
  }

  /** Places that become free go first. One agent appears once: its second change has to see the first. */
  private take(): Waiting[] {
    const ordered = [...this.queue.filter((w) => w.change.by < 0), ...this.queue.filter((w) => w.change.by > 0)];
    const batch = new Map<string, Waiting>();
    for (const waiting of ordered) {
      if (batch.size === BATCH_MAX) break;
      if (!batch.has(waiting.change.agentId)) batch.set(waiting.change.agentId, waiting);
    }
    const taken = new Set(batch.values());
    this.queue = this.queue.filter((waiting) => !taken.has(waiting));
    return [...taken];
  }

  private async settle(batch: readonly Waiting[]): Promise<void> {
    let open = batch;
    while (open.length > 0) {
      const before = this.tally ?? (await this.load());
      const { fits, owners } = this.fit(open, before.value);
      if (fits.length === 0) return;
      const tally = tallyOf(owners);
      const result = await this.store.commit(merged(fits, before.version, tally));
      if (result.ok) {
        this.tally = { key: counter, value: tally, version: result.version };
        for (const waiting of fits) waiting.resolve({ kind: 'done', version: result.version });
        return;
      }
      open = this.withoutConflict(fits, result.conflict);
    }
  }

  /** Which of them find a place; the others are told that it is full. */
  private fit(open: readonly Waiting[], tally: Tally): { fits: Waiting[]; owners: Map<string, number> } {
    const owners = new Map(tally.owners);
    let total = tally.total;
    const fits: Waiting[] = [];
    for (const waiting of open) {
      const { owner, by, max } = waiting.change;
      const own = owners.get(owner) ?? 0;
      if (max && total >= max.spoke) waiting.resolve({ kind: 'full', of: 'spoke', live: total, max: max.spoke });
      else if (max && own >= max.owner) waiting.resolve({ kind: 'full', of: 'owner', live: own, max: max.owner });
      else {
        owners.set(owner, Math.max(0, own + by));
        total += by;
        fits.push(waiting);
      }
    }
    return { fits, owners };
  }

  private withoutConflict(open: readonly Waiting[], conflict: Key): readonly Waiting[] {
    const key = same(conflict);
    this.tally = undefined;
    if (key === same(counter)) return open;
    const hit = (waiting: Waiting) => waiting.change.checks.some((check) => same(check.key) === key);
    for (const waiting of open) if (hit(waiting)) waiting.resolve({ kind: 'conflict', key: conflict });
    return open.filter((waiting) => !hit(waiting));
  }

  private async load(): Promise<{ value: Tally; version: string | null }> {
    return (await this.store.get<Tally>(counter)) ?? { value: { total: 0, owners: [] }, version: null };
  }

  private fail(batch: readonly Waiting[], error: unknown): void {
    this.tally = undefined;
    for (const waiting of batch) waiting.reject(error);
  }
}

function tallyOf(owners: ReadonlyMap<string, number>): Tally {
  const present = [...owners].filter(([, live]) => live > 0);
  return { total: present.reduce((sum, [, live]) => sum + live, 0), owners: present };
}

function merged(batch: readonly Waiting[], version: string | null, tally: Tally): Commit {
  const checks = new Map<string, Check>([[same(counter), { key: counter, version }]]);
  for (const { change } of batch) for (const check of change.checks) checks.set(same(check.key), check);
  return {
    checks: [...checks.values()],
    puts: [{ key: counter, value: tally }, ...batch.flatMap(({ change }) => change.puts)],
    appends: batch.flatMap(({ change }) => change.appends),
  };
}
