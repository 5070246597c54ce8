// Whether there is a place for one more agent: judged over the tally, within the commit that takes the place.
import { WritError } from '#protocol';
import { localOwner, type Allowance, type Budget } from './options.js';
import type { Books } from './tally.js';

/** What a new agent has to fit into. `spoke` and `owner` are live agents at once. */
export interface Ceilings {
  readonly spoke: number;
  readonly owner: number;
  readonly budget: Budget;
  readonly allowance: Allowance;
}

/** How long a spawn that found no place waits before it is worth another try. */
const placeMs = 5_000;
const minuteMs = 60_000;

/** Whether starts have to be noted for this owner. */
export function watchesStarts({ budget, allowance }: Ceilings): boolean {
  return budget.startsPerMinuteMax !== undefined || allowance.startsPerMinute !== undefined;
}

/** What is full, as its owner is told; undefined when the agent fits. First the owner's own limits, which it knows. */
export function refusal(books: Books, owner: string, max: Ceilings): WritError | undefined {
  return ofOwner(books, owner, max) ?? ofSpoke(books, owner, max);
}

type Counts = (owner: string) => boolean;

function ofOwner(books: Books, owner: string, { owner: liveMax, allowance }: Ceilings): WritError | undefined {
  const own: Counts = (one) => one === owner;
  const { agents, tokens, moneyMicroUsd } = books.spentBy(own);
  const { perDay, startsPerMinute } = allowance;
  if (reached(agents, perDay?.agents)) return denied('perDay.agents', perDay?.agents);
  if (reached(tokens, perDay?.tokens)) return denied('perDay.tokens', perDay?.tokens);
  if (reached(moneyMicroUsd, perDay?.moneyMicroUsd)) return denied('perDay.moneyMicroUsd', perDay?.moneyMicroUsd);
  if (reached(books.startsBy(own), startsPerMinute)) return denied('startsPerMinute', startsPerMinute, minuteMs);
  const live = books.live(owner);
  if (!reached(live, liveMax)) return undefined;
  const detail = `${live} agents of this owner are alive; the limit is ${liveMax}.`;
  const rule = owner === localOwner ? {} : { field: 'concurrentMax' };
  return new WritError('capacity', detail, { ...rule, retryAfterMs: placeMs });
}

/** Everyone counts against the whole; hubs together also against what it is without the local share. [F-12] */
function ofSpoke(books: Books, owner: string, max: Ceilings): WritError | undefined {
  const whole = full(books, () => true, max, 0);
  if (owner === localOwner) return whole;
  const isFull = whole ?? full(books, (one) => one !== localOwner, max, max.budget.localSharePercent);
  if (!isFull) return undefined;
  const { retryAfterMs } = isFull;
  return new WritError('capacity', 'This spoke has no place for another agent now.', { retryAfterMs });
}

function full(books: Books, counts: Counts, { spoke, budget }: Ceilings, keptPercent: number): WritError | undefined {
  const part = (max = Infinity) => Math.floor((max * (100 - keptPercent)) / 100);
  const { tokens, moneyMicroUsd } = books.spentBy(counts);
  const used: readonly (readonly [number, number, string, number?])[] = [
    [books.liveOf(counts), part(spoke), 'agents are alive', placeMs],
    [books.startsBy(counts), part(budget.startsPerMinuteMax), 'agents began within 60 s', minuteMs],
    [tokens, part(budget.tokensPerDayMax), 'tokens were used today (UTC)'],
    [moneyMicroUsd, part(budget.moneyMicroUsdPerDayMax), 'millionths of a dollar were spent today (UTC)'],
  ];
  const over = used.find(([figure, max]) => reached(figure, max));
  if (!over) return undefined;
  const [figure, max, what, retryAfterMs] = over;
  return new WritError('capacity', `${figure} ${what}; the limit is ${max}.`, { retryAfterMs });
}

function reached(used: number, max: number | undefined): boolean {
  return max !== undefined && used >= max;
}

function denied(rule: string, allowed: number | undefined, retryAfterMs?: number): WritError {
  const span = retryAfterMs === undefined ? 'a day (UTC)' : 'in 60 s';
  const detail = `The grant's ${rule} allows 0 to ${allowed ?? 0} ${span}, and they are used up.`;
  return new WritError('grant_denied', detail, { field: rule, retryAfterMs });
}
