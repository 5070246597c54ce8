// Counts what an agent spends, persisted with every turn, and stops it when a budget is used up. [O-3]
import type { ExitReason, Limits, Usage } from '#protocol';
import type { EventMint } from '../lifecycle/events.js';
import type { AgentRecord } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import { LimitReached } from '../runtimes/runtime.js';
import { Stop, theSpoke } from './stop.js';

type Budget = Extract<ExitReason, 'turns' | 'tokens' | 'money'>;

export const noUsage: Usage = {
  turns: 0,
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  moneyMicroUsd: 0,
};

function added(usage: Usage, delta: Usage): Usage {
  return {
    turns: usage.turns + delta.turns,
    inputTokens: usage.inputTokens + delta.inputTokens,
    outputTokens: usage.outputTokens + delta.outputTokens,
    cacheReadTokens: usage.cacheReadTokens + delta.cacheReadTokens,
    cacheWriteTokens: usage.cacheWriteTokens + delta.cacheWriteTokens,
    moneyMicroUsd: usage.moneyMicroUsd + delta.moneyMicroUsd,
  };
}

/** Every budget with what is spent of it. All kinds of tokens count. */
function budgets(usage: Usage, limits: Limits): readonly (readonly [Budget, number, number | undefined])[] {
  const tokens = usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
  return [
    ['turns', usage.turns, limits.turnsMax],
    ['tokens', tokens, limits.tokensMax],
    ['money', usage.moneyMicroUsd, limits.moneyMicroUsdMax],
  ];
}

export class Meter {
  constructor(
    private readonly agentId: string,
    private readonly register: Register,
    private readonly mint: EventMint,
    private readonly stop: (stop: Stop) => void,
  ) {}

  /** @throws LimitReached when nothing is left for another turn. */
  async admitTurn(): Promise<void> {
    const { usage, limits } = this.register.last(this.agentId) ?? (await this.register.find(this.agentId));
    const spent = budgets(usage, limits).find(([, used, max]) => max !== undefined && used >= max);
    if (spent) throw new LimitReached(spent[0]);
  }

  /** Persisted and published; beyond a budget the run is stopped at once. */
  async record(delta: Usage): Promise<void> {
    const after = await this.register.change(this.agentId, (record) => this.spent(record, delta));
    const over = budgets(after.usage, after.limits).find(([, used, max]) => max !== undefined && used > max);
    if (!over) return;
    const [budget, used, max] = over;
    this.stop(new Stop(budget, theSpoke, `The agent used ${used} of at most ${max ?? 0} (${budget}).`));
  }

  private spent(record: AgentRecord, delta: Usage) {
    const usage = added(record.usage, delta);
    return { record: { ...record, usage }, events: [this.mint.of('agent.usage', record.agentId, { usage })] };
  }
}
