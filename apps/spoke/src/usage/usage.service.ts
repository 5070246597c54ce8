// What this spoke has spent, by hub, repository or day, with hubs under the names that its admin knows.
import { addUsage, noUsage, type UsageReport, type usageQuery } from '#protocol';
import type { LocalAgents, UsageGroup } from '#agents';
import type { Directory } from '#federation';
import type { z } from 'zod';
import { local } from '../agents/gateway.js';

const rowsMax = 1_000;

type Spending = UsageReport['total'];

export class UsageService {
  constructor(
    private readonly agents: Pick<LocalAgents, 'usage'>,
    private readonly directory: Pick<Directory, 'find'>,
    private readonly now: () => number = Date.now,
  ) {}

  /** @throws WritError `invalid_request` */
  async report({ from, to, by }: z.output<typeof usageQuery>): Promise<UsageReport> {
    const today = new Date(this.now()).toISOString().slice(0, 10);
    const [first, last] = [from ?? to ?? today, to ?? today];
    const groups = await this.agents.usage({ from: first, to: last, by: by === 'hub' ? 'owner' : by });
    const named = by === 'hub' ? await Promise.all(groups.map((group) => this.named(group))) : groups;
    const rows = named.map((group) => ({ key: group.key, ...flat(group) }));
    const total = named.map(flat).reduce(plus, nothing);
    return { from: first, to: last, by, rows: most(rows), total, more: Math.max(0, rows.length - rowsMax) };
  }

  /** A connection that is forgotten keeps its id as its name. */
  private async named(group: UsageGroup): Promise<UsageGroup> {
    if (group.key === local) return group;
    const found = await this.directory.find(group.key).catch(() => undefined);
    return { ...group, key: found?.peer.name ?? group.key };
  }
}

const nothing: Spending = { agents: 0, ...noUsage, wallMs: 0 };

function flat({ agents, usage, wallMs }: UsageGroup): Spending {
  return { agents, ...usage, wallMs };
}

function plus(one: Spending, other: Spending): Spending {
  return { agents: one.agents + other.agents, ...addUsage(one, other), wallMs: one.wallMs + other.wallMs };
}

/** In their order; of too many those that cost most. */
function most<R extends Spending>(rows: readonly R[]): R[] {
  if (rows.length <= rowsMax) return [...rows];
  const kept = new Set([...rows].sort((one, other) => other.moneyMicroUsd - one.moneyMicroUsd).slice(0, rowsMax));
  return rows.filter((row) => kept.has(row));
}
