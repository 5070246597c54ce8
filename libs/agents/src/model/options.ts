// What a spoke's configuration says of a model API: where it is, which models may be used there, and what they cost.
import { z } from 'zod';
import { WritError } from '#protocol';
import { price, publishedPrices, type Price } from '../runtimes/claude/prices.js';
import type { ModelUpstream } from '../runtimes/runtime.js';

export const modelName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:@/-]{0,127}$/, 'must be the id of a model');

export const modelShape = {
  /** Where the API of the model is. */
  baseUrl: z.url({ protocol: /^https?$/ }).default('https://api.anthropic.com'),
  /** Allow-list. Absent: every model that has a price. */
  models: z.array(modelName).min(1).max(100).optional(),
  /** Added to the published prices, and overruling them. */
  prices: z.record(modelName, price).default({}),
  /** For models without a price of their own; absent, such models are refused. */
  defaultPrice: price.optional(),
};

const modelOptions = z.strictObject(modelShape);
export type ModelOptions = z.infer<typeof modelOptions>;

/** For a program: `true` is the API of Anthropic with the published prices; false, that it may use none. */
export const programModel = z.union([z.boolean(), modelOptions]).default(false);
export type ProgramModel = z.infer<typeof programModel>;

/** Read anew for every request, so that a rotated key is used at once. Undefined or empty: there is none. */
export type ModelKey = () => string | undefined;

/** The price of a model that may be used; undefined for one that may not. Prices are own members only: no model is called `constructor`. */
export function priceOf(options: Omit<ModelOptions, 'baseUrl'>, name: string): Price | undefined {
  if (options.models && !options.models.includes(name)) return undefined;
  const known = { ...publishedPrices, ...options.prices };
  return Object.hasOwn(known, name) ? known[name] : options.defaultPrice;
}

/** @throws WritError `no_model_key` */
export function needKey(key: ModelKey): void {
  if (!key()) throw new WritError('no_model_key', 'This spoke has no key for the model API.');
}

export function apiOf(model: true | ModelOptions): ModelOptions {
  return model === true ? modelOptions.parse({}) : model;
}

/** Which model a program uses that has none from here is its own affair. @throws WritError `no_model_key`, `invalid_request` */
export function admitProgram(model: ProgramModel, key: ModelKey, asked: string | undefined): void {
  if (!model) return;
  needKey(key);
  if (asked === undefined || priceOf(apiOf(model), asked)) return;
  const detail = `The model ${asked} is not allowed here, or has no price.`;
  throw new WritError('invalid_request', detail, { field: 'options.model' });
}

export function upstreamOf(options: ModelOptions, key: ModelKey): ModelUpstream {
  const baseUrl = options.baseUrl.replace(/\/+$/, '');
  return { baseUrl, key, price: (name) => priceOf(options, name) };
}
