// Everything that changes the number of live agents or what was spent goes through here: one counter, exact over all
// replicas, changed in the same commit as the records and as the day's rows. What becomes ready while a commit is on its
// way shares the next one, so that a thousand spawns are a few commits and never fight each other for the counter. [O-3]
import { WritError, type AgentState, type Usage } from '#protocol';
import type { Append, Check, Commit, Key, Put, Store } from '#store';
import { refusal, watchesStarts, type Ceilings } from '../spending/admission.js';
import { Rows } from '../spending/rows.js';
import { Books, dayOf, noneEnded, type Ended, type Tally } from '../spending/tally.js';

/** Changes that share one commit at most. */
const BATCH_MAX = 64;
/** Changes that wait at most; beyond, spawns are refused. Those that free a place always wait. */
const QUEUE_MAX = 10_000;

const counter: Key = ['agents', 'live-count'];

export interface Change {
  readonly agentId: string;
  readonly owner: string;
  readonly repository: string;
  /** A new agent, spending alone, or an end. */
  readonly by: 1 | 0 | -1;
  /** For `by: 1`: refused when there is no place within these. */
  readonly max?: Ceilings;
  readonly usage?: Usage;
  /** For `by: -1`: its last state. */
  readonly end?: AgentState;
  /** For `by: -1`: from its spawn to its end. */
  readonly wallMs?: number;
  readonly checks: readonly Check[];
  readonly puts: readonly Put[];
  readonly appends: readonly Append[];
}

export type Posted =
  | { readonly kind: 'done'; readonly version: string }
  | { readonly kind: 'full'; readonly refusal: WritError }
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
  private tally?: { readonly value: Tally; readonly version: string | null };
  readonly rows: Rows;

  constructor(
    private readonly store: Store,
    private readonly now: () => number = Date.now,
  ) {
    this.rows = new Rows(store);
  }

  /** @throws WritError `capacity` when too much waits, `store_unavailable`: the outcome is then unknown. */
  post(change: Change): Promise<Posted> {
    if (change.by > 0 && this.queue.length >= QUEUE_MAX)
      throw new WritError('capacity', 'Too many spawns wait already.', { retryAfterMs: 1_000 });
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

  /** How many have ended in which state. */
  async ended(): Promise<Ended> {
    return (await this.load()).value.ended ?? noneEnded;
  }

  /** The counter as all replicas have it now, for a look; a change looks again. */
  async books(): Promise<Books> {
    const { value } = await this.today(await this.load());
    return new Books(value, this.now());
  }

  /** Sets the counter to what the leases say. `count` is asked again when someone spawned meanwhile. */
  async recount(count: () => Promise<ReadonlyMap<string, number>>): Promise<void> {
    for (;;) {
      const before = await this.store.get<Tally>(counter);
      const owners = [...(await count())].filter(([, live]) => live > 0);
      const total = owners.reduce((sum, [, live]) => sum + live, 0);
      const tally: Tally = { ...before?.value, total, owners };
      const checks = [{ key: counter, version: before?.version ?? null }];
      const result = await this.store.commit({ checks, puts: [{ key: counter, value: tally }] });
      this.forget();
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

  /** Places that become free, and what is spent, go first. One agent appears once: its second change has to see the first. */
  private take(): Waiting[] {
    const ordered = [...this.queue.filter((w) => w.change.by <= 0), ...this.queue.filter((w) => w.change.by > 0)];
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
      const before = await this.today(this.tally ?? (await this.load()));
      const books = new Books(before.value, this.now());
      const fits = open.filter((waiting) => fitted(books, waiting));
      if (fits.length === 0) return;
      const tally = books.tally();
      const entries = fits.map(({ change }) => change);
      const rows = await this.rows.after(tally.day ?? '', entries);
      const result = await this.store.commit(merged(fits, before.version, tally, rows.puts));
      if (result.ok) {
        this.tally = { value: tally, version: result.version };
        rows.keep();
        for (const waiting of fits) waiting.resolve({ kind: 'done', version: result.version });
        return;
      }
      open = this.withoutConflict(fits, result.conflict);
    }
  }

  /** A day that has just begun, or come back by a clock that was set, begins with what its rows say. */
  private async today(before: { readonly value: Tally; readonly version: string | null }) {
    const day = dayOf(this.now());
    if (before.value.day === day) return before;
    return { ...before, value: { ...before.value, day, spent: [...(await this.rows.spent(day))] } };
  }

  private withoutConflict(open: readonly Waiting[], conflict: Key): readonly Waiting[] {
    const key = same(conflict);
    this.forget();
    if (key === same(counter)) return open;
    const hit = (waiting: Waiting) => waiting.change.checks.some((check) => same(check.key) === key);
    for (const waiting of open) if (hit(waiting)) waiting.resolve({ kind: 'conflict', key: conflict });
    return open.filter((waiting) => !hit(waiting));
  }

  private async load(): Promise<{ value: Tally; version: string | null }> {
    return (await this.store.get<Tally>(counter)) ?? { value: { total: 0, owners: [] }, version: null };
  }

  private fail(batch: readonly Waiting[], error: unknown): void {
    this.forget();
    for (const waiting of batch) waiting.reject(error);
  }

  private forget(): void {
    this.tally = undefined;
    this.rows.forget();
  }
}

/** Whether it finds a place, which is then taken; else it is told that there is none. */
function fitted(books: Books, waiting: Waiting): boolean {
  const { owner, max } = waiting.change;
  const full = max && refusal(books, owner, max);
  if (full) waiting.resolve({ kind: 'full', refusal: full });
  else books.add(waiting.change, max !== undefined && watchesStarts(max));
  return !full;
}

function merged(batch: readonly Waiting[], version: string | null, tally: Tally, rows: readonly Put[]): Commit {
  const checks = new Map<string, Check>([[same(counter), { key: counter, version }]]);
  for (const { change } of batch) for (const check of change.checks) checks.set(same(check.key), check);
  return {
    checks: [...checks.values()],
    puts: [{ key: counter, value: tally }, ...rows, ...batch.flatMap(({ change }) => change.puts)],
    appends: batch.flatMap(({ change }) => change.appends),
  };
}
