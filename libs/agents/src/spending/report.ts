// What was spent, read back: the rows of some days, added up by owner, repository or day.
import { addUsage, noUsage, WritError, type Usage } from '#protocol';
import type { Row, Rows } from './rows.js';

export interface UsageQuestion {
  /** UTC days, `YYYY-MM-DD`, both included; 400 at most. */
  readonly from: string;
  readonly to: string;
  readonly by: 'owner' | 'repository' | 'day';
}

export interface UsageGroup {
  /** The owner, the repository or the day. */
  readonly key: string;
  readonly agents: number;
  readonly usage: Usage;
  readonly wallMs: number;
}

const dayMs = 86_400_000;
const daysMax = 400;

/** Groups in the order of their keys. @throws WritError `invalid_request` for days that are not a range. */
export async function reportOf(rows: Rows, { from, to, by }: UsageQuestion): Promise<UsageGroup[]> {
  const groups = new Map<string, UsageGroup>();
  for (const day of daysOf(from, to))
    for await (const row of rows.of(day)) {
      const key = by === 'day' ? day : row[by];
      groups.set(key, joined(groups.get(key) ?? { key, agents: 0, usage: noUsage, wallMs: 0 }, row));
    }
  return [...groups.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
}

function joined<G extends Omit<UsageGroup, 'key'>>(group: G, row: Pick<Row, 'agents' | 'usage' | 'wallMs'>): G {
  const { agents, usage, wallMs } = group;
  return { ...group, agents: agents + row.agents, usage: addUsage(usage, row.usage), wallMs: wallMs + row.wallMs };
}

function daysOf(from: string, to: string): string[] {
  const [first, last] = [Date.parse(from), Date.parse(to)];
  const count = (last - first) / dayMs + 1;
  if (!(count >= 1)) throw new WritError('invalid_request', '`from` must not be after `to`.', { field: 'from' });
  if (count > daysMax)
    throw new WritError('invalid_request', `At most ${daysMax} days can be asked for at once.`, { field: 'to' });
  return Array.from({ length: count }, (_none, n) => new Date(first + n * dayMs).toISOString().slice(0, 10));
}
