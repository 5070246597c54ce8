// What a request may cost at most, before it is forwarded.
import { costOf, type Price } from '../runtimes/claude/prices.js';
import type { Amount } from '../spending/treasury.js';
import type { ModelRequest } from './request.js';

/** A reply shorter than this is not worth a request: then the limit is reached. */
const replyTokensMin = 1_024;

/** The prompt at its dearest rate, and as much output as was asked for. */
export function quoteOf({ promptTokens }: ModelRequest, price: Price, outputTokens: number): Amount {
  const none = { inputTokens: 0, outputTokens, cacheReadTokens: 0, cacheWriteTokens: 0 };
  const plain = costOf({ ...none, inputTokens: promptTokens }, price);
  const written = costOf({ ...none, cacheWriteTokens: promptTokens }, price);
  return { tokens: promptTokens + outputTokens, moneyMicroUsd: Math.max(plain, written) };
}

/** As much output as fits into what is left, if it is worth a request; else what was asked for. */
export function fittingOutput(request: ModelRequest, price: Price, asked: number, left: Amount): number {
  const prompt = quoteOf(request, price, 0);
  const rate = Math.max(price.output, price.longPrompt?.output ?? 0);
  const forMoney =
    rate === 0 ? asked : Math.floor(((left.moneyMicroUsd - prompt.moneyMicroUsd - 1) * 1_000_000) / rate);
  const fits = Math.min(asked, left.tokens - prompt.tokens, forMoney);
  return fits >= Math.min(asked, replyTokensMin) ? fits : asked;
}
