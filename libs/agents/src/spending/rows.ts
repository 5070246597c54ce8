// The book of what was spent: one row for every day (UTC), owner and repository. Only the ledger writes them, in commits
// that also check its counter: so a row read under a counter that still holds is the row that will be replaced.
import { createHash } from 'node:crypto';
import { addUsage, noUsage, type Usage } from '#protocol';
import type { Key, Put, Store } from '#store';
import { nothingSpent, sum, tokensOf, type Spent } from './tally.js';

export interface Row {
  readonly owner: string;
  readonly repository: string;
  /** Spawned that day. */
  readonly agents: number;
  readonly usage: Usage;
  /** Of agents that ended that day: from their spawn to their end. */
  readonly wallMs: number;
}

/** What one change adds to its row. */
export interface RowEntry {
  readonly owner: string;
  readonly repository: string;
  readonly by: 1 | 0 | -1;
  readonly usage?: Usage;
  readonly wallMs?: number;
}

const keepMs = 400 * 86_400_000;
/** Rows that are remembered; beyond, they are read again. */
const heldMax = 10_000;
const page = 1_000;

const dayKey = (day: string): Key => ['agents', 'usage', day];
const rowKey = (day: string, { owner, repository }: Pick<Row, 'owner' | 'repository'>): Key => [
  ...dayKey(day),
  owner,
  createHash('sha256').update(repository).digest('base64url'),
];

export class Rows {
  private readonly held = new Map<string, Row>();

  constructor(private readonly store: Store) {}

  /** The counter was changed by another process: what is known may be old. */
  forget(): void {
    this.held.clear();
  }

  /** The rows of that day with the entries added. `keep` is called once they are committed. */
  async after(day: string, entries: readonly RowEntry[]): Promise<{ puts: Put[]; keep: () => void }> {
    const next = new Map<string, { key: Key; row: Row }>();
    for (const entry of entries) {
      const key = rowKey(day, entry);
      const name = JSON.stringify(key);
      const before = next.get(name)?.row ?? this.held.get(name) ?? (await this.read(key)) ?? empty(entry);
      next.set(name, { key, row: grown(before, entry) });
    }
    const keep = () => {
      if (this.held.size + next.size > heldMax) this.held.clear();
      for (const [name, { row }] of next) this.held.set(name, row);
    };
    return { puts: [...next.values()].map(({ key, row }) => ({ key, value: row, ttlMs: keepMs })), keep };
  }

  async *of(day: string): AsyncGenerator<Row> {
    let after: Key | undefined;
    for (;;) {
      const entries = await this.store.list<Row>(dayKey(day), { after, limit: page });
      for (const { value } of entries) yield value;
      after = entries.at(-1)?.key;
      if (entries.length < page) return;
    }
  }

  /** What each owner has spent that day. */
  async spent(day: string): Promise<ReadonlyMap<string, Spent>> {
    const owners = new Map<string, Spent>();
    for await (const { owner, agents, usage } of this.of(day)) {
      const row = { agents, tokens: tokensOf(usage), moneyMicroUsd: usage.moneyMicroUsd };
      owners.set(owner, sum([owners.get(owner) ?? nothingSpent, row]));
    }
    return owners;
  }

  private async read(key: Key): Promise<Row | undefined> {
    return (await this.store.get<Row>(key))?.value;
  }
}

const empty = ({ owner, repository }: RowEntry): Row => ({ owner, repository, agents: 0, usage: noUsage, wallMs: 0 });

function grown(row: Row, { by, usage = noUsage, wallMs = 0 }: RowEntry): Row {
  const agents = row.agents + Math.max(0, by);
  return { ...row, agents, usage: addUsage(row.usage, usage), wallMs: row.wallMs + wallMs };
}
