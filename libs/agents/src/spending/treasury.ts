// What is left of the limits of a day before a request to a model, the requests that are under way included: each holds
// what it may cost at most until what it did cost is committed. Those of other replicas are not seen before their commit.
import type { Ledger } from '../lifecycle/ledger.js';
import { localOwner, peersPart, type Allowance, type AllowanceOf, type Budget } from './options.js';
import type { Books } from './tally.js';

/** What a request may cost at most, or has cost. */
export interface Amount {
  readonly tokens: number;
  readonly moneyMicroUsd: number;
}

/** Tokens or money that may still be used under one limit, and whose limit that is. */
export interface Left {
  readonly of: keyof Amount;
  readonly left: number;
  readonly whose: 'agent' | 'grant' | 'spoke';
}

const nothing: Amount = { tokens: 0, moneyMicroUsd: 0 };

export function plus(one: Amount, other: Amount): Amount {
  return { tokens: one.tokens + other.tokens, moneyMicroUsd: one.moneyMicroUsd + other.moneyMicroUsd };
}

export class Treasury {
  private readonly held = new Map<string, Amount>();
  private settled = 0;

  constructor(
    private readonly ledger: Pick<Ledger, 'books'>,
    private readonly budget: Budget,
    private readonly allowanceOf: AllowanceOf,
  ) {}

  /**
   * What the day leaves to this owner, handed to `take` at a moment at which nothing is on its way from held to
   * committed; what `take` returns is held from that moment on. @throws what `take` throws, WritError `store_unavailable`
   */
  async hold(owner: string, take: (lefts: readonly Left[]) => Amount): Promise<() => void> {
    for (;;) {
      const before = this.settled;
      const allowance = await this.allowanceOf(owner);
      const lefts = await this.lefts(owner, allowance);
      if (this.settled !== before) continue;
      return this.keep(owner, take(lefts(this.sums(owner))));
    }
  }

  /** What all requests under way hold: of this owner, of hubs, of everyone. */
  private sums(owner: string): Held {
    const of = (counts: (one: string) => boolean) =>
      [...this.held].reduce((sum, [one, amount]) => (counts(one) ? plus(sum, amount) : sum), nothing);
    return { own: of((one) => one === owner), peers: of((one) => one !== localOwner), all: of(() => true) };
  }

  private async lefts(owner: string, allowance: Allowance | undefined): Promise<(held: Held) => Left[]> {
    const { tokensPerDayMax, moneyMicroUsdPerDayMax } = this.budget;
    const spoke = { tokens: tokensPerDayMax, moneyMicroUsd: moneyMicroUsdPerDayMax };
    const limits = [allowance?.perDay?.tokens, allowance?.perDay?.moneyMicroUsd, ...Object.values(spoke)];
    if (limits.every((limit) => limit === undefined)) return () => [];
    const books = await this.ledger.books();
    return (held) => [
      ...leftOf('grant', allowance?.perDay ?? {}, books, (one) => one === owner, held.own),
      ...leftOf('spoke', spoke, books, () => true, held.all),
      ...(owner === localOwner
        ? []
        : leftOf('spoke', this.peers(spoke), books, (one) => one !== localOwner, held.peers)),
    ];
  }

  private peers({ tokens, moneyMicroUsd }: Partial<Amount>): Partial<Amount> {
    const part = (max: number | undefined) => (max === undefined ? undefined : peersPart(max, this.budget));
    return { tokens: part(tokens), moneyMicroUsd: part(moneyMicroUsd) };
  }

  private keep(owner: string, amount: Amount): () => void {
    this.held.set(owner, plus(this.held.get(owner) ?? nothing, amount));
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.settled += 1;
      this.release(owner, amount);
    };
  }

  private release(owner: string, { tokens, moneyMicroUsd }: Amount): void {
    const rest = plus(this.held.get(owner) ?? nothing, { tokens: -tokens, moneyMicroUsd: -moneyMicroUsd });
    if (rest.tokens <= 0 && rest.moneyMicroUsd <= 0) this.held.delete(owner);
    else this.held.set(owner, rest);
  }
}

interface Held {
  readonly own: Amount;
  readonly peers: Amount;
  readonly all: Amount;
}

function leftOf(
  whose: Left['whose'],
  limits: { readonly tokens?: number; readonly moneyMicroUsd?: number },
  books: Books,
  counts: (owner: string) => boolean,
  held: Amount,
): Left[] {
  const spent = books.spentBy(counts);
  const left = (of: keyof Amount): Left[] => {
    const max = limits[of];
    return max === undefined ? [] : [{ of, whose, left: max - spent[of] - held[of] }];
  };
  return [...left('tokens'), ...left('moneyMicroUsd')];
}
