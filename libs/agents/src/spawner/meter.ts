// Counts what an agent spends, the one place where that is done: reserved before a request to a model, persisted after it
// with the day's books in the same commit, and the run is stopped when a budget is used up all the same. [O-3]
import { addUsage, type ExitReason, type Limits, type Usage } from '#protocol';
import type { EventMint } from '../lifecycle/events.js';
import type { AgentRecord } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import type { Purse, Reservation } from '../model/purse.js';
import { LimitReached } from '../runtimes/runtime.js';
import { tokensOf } from '../spending/tally.js';
import { plus, type Amount, type Left, type Treasury } from '../spending/treasury.js';
import { Stop, theSpoke } from './stop.js';

type Budget = Extract<ExitReason, 'turns' | 'tokens' | 'money'>;

/** Every budget with what is spent of it. All kinds of tokens count. */
function budgets(usage: Usage, limits: Limits): readonly (readonly [Budget, number, number | undefined])[] {
  return [
    ['turns', usage.turns, limits.turnsMax],
    ['tokens', tokensOf(usage), limits.tokensMax],
    ['money', usage.moneyMicroUsd, limits.moneyMicroUsdMax],
  ];
}

export interface MeterParts {
  readonly agentId: string;
  readonly owner: string;
  readonly register: Register;
  readonly mint: EventMint;
  readonly treasury: Treasury;
  readonly stop: (stop: Stop) => void;
}

const nothing: Amount = { tokens: 0, moneyMicroUsd: 0 };

export class Meter implements Purse {
  private held = nothing;
  private turnsHeld = 0;

  constructor(private readonly parts: MeterParts) {}

  /** @throws LimitReached when nothing is left for another turn. */
  async admitTurn(): Promise<void> {
    await this.agent();
    const release = await this.parts.treasury.hold(this.parts.owner, (lefts) => this.fitting(lefts, () => nothing));
    release();
  }

  /**
   * Holds what a request costs at most, as `price` says knowing what is left. Requests of one agent at once are each
   * judged with what the others hold. @throws LimitReached when it does not fit, WritError `store_unavailable`
   */
  async reserve(price: (left: Amount) => Amount): Promise<Reservation> {
    await this.agent();
    let amount = nothing;
    const release = await this.parts.treasury.hold(this.parts.owner, (lefts) => {
      amount = this.fitting(lefts, price);
      this.held = plus(this.held, amount);
      this.turnsHeld += 1;
      return amount;
    });
    return { settle: (spent) => this.settle(spent, amount, release) };
  }

  /** Persisted and published; beyond a budget the run is stopped at once. */
  async record(delta: Usage): Promise<void> {
    const { agentId, register, stop } = this.parts;
    const after = await register.change(agentId, (record) => this.spent(record, delta));
    const over = budgets(after.usage, after.limits).find(([, used, max]) => max !== undefined && used > max);
    if (!over) return;
    const [budget, used, max] = over;
    stop(new Stop(budget, theSpoke, `The agent used ${used} of at most ${max ?? 0} (${budget}).`));
  }

  /** What could not be recorded stays held, and nothing more is spent. */
  private async settle(spent: Usage, { tokens, moneyMicroUsd }: Amount, release: () => void): Promise<void> {
    try {
      if (spent.turns > 0 || tokensOf(spent) > 0 || spent.moneyMicroUsd > 0) await this.record(spent);
    } catch (error) {
      this.parts.stop(new Stop('runtime_error', theSpoke, 'What the agent spent could not be recorded.'));
      throw error;
    }
    this.held = plus(this.held, { tokens: -tokens, moneyMicroUsd: -moneyMicroUsd });
    this.turnsHeld -= 1;
    release();
  }

  /** Judged and taken at one moment: nothing is awaited here. */
  private fitting(day: readonly Left[], price: (left: Amount) => Amount): Amount {
    const record = this.parts.register.last(this.parts.agentId) ?? this.found;
    const lefts = [...day, ...this.own(record)];
    const used = lefts.find(({ left }) => left <= 0);
    if (used) throw spentOf(used);
    const least = (of: keyof Amount) =>
      Math.min(...lefts.filter((one) => one.of === of).map(({ left }) => left), Number.MAX_SAFE_INTEGER);
    const amount = price({ tokens: least('tokens'), moneyMicroUsd: least('moneyMicroUsd') });
    const short = lefts.find(({ of, left }) => amount[of] > left);
    if (short) throw tooDear(short, amount);
    return amount;
  }

  private own(record: AgentRecord | undefined): Left[] {
    if (!record) return [];
    const { usage, limits } = record;
    if (limits.turnsMax !== undefined && usage.turns + this.turnsHeld >= limits.turnsMax)
      throw new LimitReached('turns');
    const { tokensMax, moneyMicroUsdMax } = limits;
    const money = (moneyMicroUsdMax ?? 0) - usage.moneyMicroUsd - this.held.moneyMicroUsd;
    return [
      ...(tokensMax === undefined ? [] : [left('tokens', tokensMax - tokensOf(usage) - this.held.tokens)]),
      ...(moneyMicroUsdMax === undefined ? [] : [left('moneyMicroUsd', money)]),
    ];
  }

  private found?: AgentRecord;

  /** A record that this process does not hold is read before it is judged. */
  private async agent(): Promise<void> {
    const { register, agentId } = this.parts;
    this.found = register.last(agentId) ?? (await register.find(agentId));
  }

  private spent(record: AgentRecord, delta: Usage) {
    const usage = addUsage(record.usage, delta);
    const events = [this.parts.mint.of('agent.usage', record.agentId, { usage })];
    return { record: { ...record, usage }, events, spent: delta };
  }
}

const left = (of: keyof Amount, amount: number): Left => ({ of, left: amount, whose: 'agent' });

const limitOf = { tokens: 'tokens', moneyMicroUsd: 'money' } as const;
const unit = { tokens: 'tokens', moneyMicroUsd: 'millionths of a US dollar' } as const;

/** Of its own limits and its grant's an agent hears which; of the spoke's only that there is nothing left. [F-12] */
function spentOf({ of, whose }: Left): LimitReached {
  const reason = limitOf[of];
  if (whose === 'agent') return new LimitReached(reason);
  const limit = whose === 'grant' ? `The grant's perDay.${of} is used up` : 'This spoke has nothing left to spend';
  return new LimitReached(reason, `${limit}; the next day (UTC) begins anew.`);
}

function tooDear({ of, left: rest, whose }: Left, amount: Amount): LimitReached {
  const reason = limitOf[of];
  const asked = `The request may cost ${amount[of]} ${unit[of]}`;
  if (whose === 'spoke')
    return new LimitReached(reason, `${asked}, more than this spoke has left to spend today (UTC).`);
  const limit = whose === 'agent' ? 'the limit of the agent' : `the grant's perDay.${of} today (UTC)`;
  return new LimitReached(reason, `${asked}; ${limit} leaves ${rest}.`);
}
