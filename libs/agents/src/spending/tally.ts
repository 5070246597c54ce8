// The counter of the spoke as the store has it: who has how many live agents, what each owner has spent today, and who
// has started agents within the last minute. One value, so that a limit is judged and used up in one commit.
import type { AgentState, Usage } from '#protocol';

/** What an owner has spent on the day of the tally. */
export interface Spent {
  readonly agents: number;
  readonly tokens: number;
  readonly moneyMicroUsd: number;
}

type ByOwner<T> = readonly (readonly [string, T])[];
/** Epoch second, and how many began in it. */
type Starts = readonly (readonly [number, number])[];

export interface Tally {
  readonly total: number;
  /** Owner and number; owners without live agents are left out. */
  readonly owners: ByOwner<number>;
  /** The UTC day that `spent` is about; absent in a counter that was written before there were days. */
  readonly day?: string;
  readonly spent?: ByOwner<Spent>;
  readonly starts?: ByOwner<Starts>;
  /** How many have ended, by their last state. */
  readonly ended?: Ended;
}

export type Ended = Readonly<Record<'completed' | 'failed' | 'killed', number>>;

export const noneEnded: Ended = { completed: 0, failed: 0, killed: 0 };

export const nothingSpent: Spent = { agents: 0, tokens: 0, moneyMicroUsd: 0 };

/** A minute, and the second that is not over yet: never more than the limit within any 60 s. */
const windowS = 61;

export function dayOf(nowMs: number): string {
  return new Date(nowMs).toISOString().slice(0, 10);
}

export function tokensOf({ inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens }: Usage): number {
  return inputTokens + outputTokens + cacheReadTokens + cacheWriteTokens;
}

/** What one change adds to the tally of its owner. */
export interface Entry {
  readonly owner: string;
  readonly by: 1 | 0 | -1;
  readonly usage?: Usage;
  /** For `by: -1`. */
  readonly end?: AgentState;
}

/** A tally that is being changed: every change sees those before it, also within one commit. */
export class Books {
  private readonly owners: Map<string, number>;
  private readonly spent: Map<string, Spent>;
  private readonly starts: Map<string, Starts>;
  private readonly nowS: number;
  private ended: Ended;

  /** `tally.day` has to be the day of `nowMs`. */
  constructor(
    tally: Tally,
    private readonly nowMs: number,
  ) {
    this.owners = new Map(tally.owners);
    this.spent = new Map(tally.spent);
    this.nowS = Math.floor(nowMs / 1_000);
    this.ended = tally.ended ?? noneEnded;
    this.starts = new Map((tally.starts ?? []).map(([owner, starts]) => [owner, this.recent(starts)]));
  }

  live(owner: string): number {
    return this.owners.get(owner) ?? 0;
  }

  liveOf(counts: (owner: string) => boolean): number {
    return [...this.owners].reduce((count, [owner, live]) => count + (counts(owner) ? live : 0), 0);
  }

  spentBy(counts: (owner: string) => boolean): Spent {
    return sum([...this.spent].filter(([owner]) => counts(owner)).map(([, spent]) => spent));
  }

  /** Agents begun within the last minute. */
  startsBy(counts: (owner: string) => boolean): number {
    const all = [...this.starts].filter(([owner]) => counts(owner)).flatMap(([, starts]) => starts);
    return all.reduce((count, [, begun]) => count + begun, 0);
  }

  add({ owner, by, usage, end }: Entry, watchStarts: boolean): void {
    if (end !== undefined && end in this.ended)
      this.ended = { ...this.ended, [end]: this.ended[end as keyof Ended] + 1 };
    this.owners.set(owner, Math.max(0, this.live(owner) + by));
    const used = { tokens: usage ? tokensOf(usage) : 0, moneyMicroUsd: usage?.moneyMicroUsd ?? 0 };
    this.spent.set(owner, sum([this.spent.get(owner) ?? nothingSpent, { agents: Math.max(0, by), ...used }]));
    if (by > 0 && watchStarts) this.starts.set(owner, this.started(this.starts.get(owner) ?? []));
  }

  tally(): Tally {
    const owners = [...this.owners].filter(([, live]) => live > 0);
    const starts = [...this.starts].filter(([, recent]) => recent.length > 0);
    const total = owners.reduce((count, [, live]) => count + live, 0);
    const today = { day: dayOf(this.nowMs), spent: [...this.spent] };
    return { total, owners, ...today, ended: this.ended, ...(starts.length > 0 ? { starts } : {}) };
  }

  /** What a clock that was set back left in the future counts as long as a minute, not longer. */
  private recent(starts: Starts): Starts {
    return starts.filter(([second]) => Math.abs(this.nowS - second) < windowS);
  }

  private started(starts: Starts): Starts {
    const now = starts.find(([second]) => second === this.nowS)?.[1] ?? 0;
    return [...starts.filter(([second]) => second !== this.nowS), [this.nowS, now + 1]];
  }
}

export function sum(all: readonly Spent[]): Spent {
  return all.reduce(
    (one, other) => ({
      agents: one.agents + other.agents,
      tokens: one.tokens + other.tokens,
      moneyMicroUsd: one.moneyMicroUsd + other.moneyMicroUsd,
    }),
    nothingSpent,
  );
}
