// The door: who is asking, and how often. Runs before a body is read, so that a stranger costs next to nothing.
import type { RateLimitPluginOptions } from '@fastify/rate-limit';
import rateLimit from '@fastify/rate-limit';
import { WritError } from '#protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../gateway.js';
import type { ApiKeys } from './api-keys.js';

declare module 'fastify' {
  interface FastifyRequest {
    caller?: Caller;
  }
  interface FastifyContextConfig {
    /** Answers without a key: health, the description of the API, the doors of the federation. */
    public?: boolean;
    /** Never rate-limited: an emergency stop has to get through. */
    unlimited?: boolean;
  }
}

/** Requests a minute for one key; above it, 429 with the time to wait. */
export interface RateLimit {
  readonly requestsPerMinuteMax: number;
}

const keysCached = 10_000;

function bearer(request: FastifyRequest): string {
  const [, key] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(request.headers.authorization ?? '') ?? [];
  if (key === undefined) throw new WritError('unauthenticated', 'This needs an API key.');
  return key;
}

/** The bucket is the authenticated key. Addresses and forwarding headers are the caller's word and choose nothing. */
function bucket(request: FastifyRequest): string {
  return request.caller?.actor.id ?? 'nobody';
}

/** Puts `request.caller` on every request but public ones, or refuses it. */
export async function authenticateRequests(http: FastifyInstance, keys: ApiKeys, limit: RateLimit): Promise<void> {
  const options: RateLimitPluginOptions = { global: false, cache: keysCached };
  await http.register(rateLimit, options);
  const count = http.createRateLimit({ max: limit.requestsPerMinuteMax, timeWindow: 60_000, keyGenerator: bucket });
  http.decorateRequest('caller', undefined);
  http.addHook('onRequest', async (request) => {
    const { config } = request.routeOptions;
    if (request.is404 || config.public) return;
    request.caller = await keys.authenticate(bearer(request));
    if (!config.unlimited) refuseExcess(await count(request));
  });
}

type Count = Awaited<ReturnType<ReturnType<FastifyInstance['createRateLimit']>>>;

function refuseExcess(count: Count): void {
  if (count.isAllowed || !count.isExceeded) return;
  const detail = `This key may send ${count.max} requests a minute.`;
  throw new WritError('rate_limited', detail, { retryAfterMs: count.ttl });
}
