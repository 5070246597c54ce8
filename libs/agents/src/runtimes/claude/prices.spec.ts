import { describe, expect, test } from '@jest/globals';
import { priceOf } from '../../model/options.js';
import { claudeOptions } from './claude.options.js';
import { costOf, publishedPrices } from './prices.js';

const tokens = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };
const price = { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 };

describe('the price of a turn', () => {
  test('a million tokens of each kind cost what the table says', () => {
    const million = { inputTokens: 1e6, outputTokens: 1e6, cacheReadTokens: 1e6, cacheWriteTokens: 1e6 };
    expect(costOf(million, publishedPrices['claude-opus-5-5']!)).toBe(29_200_000);
  });

  test('is rounded up: no turn is free', () => {
    expect(costOf({ ...tokens, inputTokens: 1 }, price)).toBe(1);
    expect(costOf(tokens, price)).toBe(0);
  });

  test('a prompt above the threshold, cache included, pays the higher rates for all of it', () => {
    const haiku = publishedPrices['claude-haiku-5-5']!;
    expect(costOf({ ...tokens, inputTokens: 100_000, outputTokens: 1_000 }, haiku)).toBe(10_500);
    expect(costOf({ ...tokens, inputTokens: 100_000, cacheReadTokens: 1, outputTokens: 1_000 }, haiku)).toBe(52_501);
  });
});

describe('the options of a claude runtime', () => {
  function faults(options: object): string[] {
    const parsed = claudeOptions.safeParse({ kind: 'claude', ...options });
    return parsed.success ? [] : parsed.error.issues.map(({ path }) => path.join('.'));
  }

  test('the defaults are whole, and unknown members are refused', () => {
    expect(faults({})).toEqual([]);
    expect(faults({ apiKey: 'sk-in-the-file' })).toEqual(['']);
  });

  test('every model needs a price, and the default model has to be allowed: all faults at once', () => {
    expect(faults({ models: ['mine', 'claude-opus-5'], defaultModel: 'other' })).toEqual([
      'models.0',
      'defaultModel',
      'defaultModel',
    ]);
    expect(faults({ models: ['mine'], defaultModel: 'mine', prices: { mine: price } })).toEqual([]);
    expect(faults({ defaultModel: 'any', defaultPrice: price })).toEqual([]);
  });

  test('only URLs of http and https are a base', () => {
    expect(faults({ baseUrl: 'file:///etc/passwd' })).toEqual(['baseUrl']);
  });

  test('a model outside the allow-list has no price, whatever the table says', () => {
    const options = claudeOptions.parse({ kind: 'claude', models: ['claude-opus-5-5'] });
    expect(priceOf(options, 'claude-opus-5-5')).toBeDefined();
    expect(priceOf(options, 'claude-sonnet-5-5')).toBeUndefined();
  });

  test('a configured price overrules the published one', () => {
    const options = claudeOptions.parse({ kind: 'claude', prices: { 'claude-opus-5-5': price } });
    expect(priceOf(options, 'claude-opus-5-5')).toEqual(price);
  });
});
