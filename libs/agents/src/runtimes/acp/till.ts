// What an agent costs. One that reaches its model by the spoke's own door is counted there; of another, what it says itself is
// taken down, which nobody checks.
import { z } from 'zod';
import { noUsage, type Usage } from '#protocol';
import type { RuntimeHost } from '../runtime.js';

const count = z.int().min(0).max(1_000_000_000);
const told = z.looseObject({
  totalTokens: count,
  inputTokens: count,
  outputTokens: count,
  thoughtTokens: count.nullish(),
  cachedReadTokens: count.nullish(),
  cachedWriteTokens: count.nullish(),
});
const answered = z.looseObject({ usage: told });

export class Till {
  /** `moneyMicroUsd`: what the agent's session has cost so far, by its own word. */
  constructor(
    private readonly host: Pick<RuntimeHost, 'admitTurn' | 'record'>,
    private readonly isCountedElsewhere: boolean,
    public moneyMicroUsd: number,
  ) {}

  /** One prompt: admitted before, counted after, whatever came of it. @throws LimitReached */
  async prompted(ask: () => Promise<unknown>): Promise<unknown> {
    if (this.isCountedElsewhere) return ask();
    await this.host.admitTurn();
    let answer: unknown;
    try {
      return (answer = await ask());
    } finally {
      await this.host.record(usageOf(answer));
    }
  }

  /** The agent tells what its whole session has cost. */
  async told(moneyMicroUsd: number): Promise<void> {
    const delta = moneyMicroUsd - this.moneyMicroUsd;
    if (delta <= 0) return;
    this.moneyMicroUsd = moneyMicroUsd;
    if (!this.isCountedElsewhere) await this.host.record({ ...noUsage, moneyMicroUsd: delta });
  }
}

/** One prompt, with the tokens that its answer names. Thoughts are output, unless they are in that figure already. */
function usageOf(answer: unknown): Usage {
  const parsed = answered.safeParse(answer);
  if (!parsed.success) return { ...noUsage, turns: 1 };
  const { totalTokens, inputTokens, outputTokens, ...more } = parsed.data.usage;
  const [cacheReadTokens, cacheWriteTokens] = [more.cachedReadTokens ?? 0, more.cachedWriteTokens ?? 0];
  const apart = totalTokens - inputTokens - outputTokens - cacheReadTokens - cacheWriteTokens;
  const thoughts = Math.max(0, Math.min(apart, more.thoughtTokens ?? 0));
  const tokens = { inputTokens, outputTokens: outputTokens + thoughts, cacheReadTokens, cacheWriteTokens };
  return { ...noUsage, ...tokens, turns: 1 };
}
