// The door: who is asking, and how often. Runs before a body is read, so that a stranger costs next to nothing.
import type { RateLimitPluginOptions } from '@fastify/rate-limit';
import rateLimit from '@fastify/rate-limit';
import { csrfHeader, WritError } from '#protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Caller } from '../gateway.js';
import type { SessionCookie } from '../sign-in/cookie.js';
import { isSafe, refuseOtherSites } from '../sign-in/origin.js';
import { provesPage, type Session, type Sessions } from '../sign-in/sessions.js';
import type { ApiKeys } from './api-keys.js';

declare module 'fastify' {
  interface FastifyRequest {
    caller?: Caller;
    /** Of a person in a browser. */
    session?: Session;
    /** For answers that go on for long. Rejects with `unauthenticated` or `session_ended` once what let it in does no longer. */
    stillHolds?: () => Promise<void>;
    /** What the requests of its key add up to, this one included; see `refuseExcess`. */
    countOnce?: () => Promise<Count>;
  }
  interface FastifyContextConfig {
    /** Answers without a key: health, the description of the API, the doors of the federation. */
    public?: boolean;
    /** Never rate-limited: an emergency stop has to get through. */
    unlimited?: boolean;
    /** Signs somebody in: counted by the address of the socket. `page`: only for pages of ours; `issuer`: another site leads here. */
    signsIn?: 'page' | 'issuer';
  }
}

/** Requests a minute for one key; above it, 429 with the time to wait. */
export interface RateLimit {
  readonly requestsPerMinuteMax: number;
}

/** Whoever may ask, and by what they are known. */
export interface Doors {
  readonly keys: ApiKeys;
  readonly sessions: Sessions;
  readonly cookie: SessionCookie;
}

const keysCached = 10_000;
const signInsPerMinuteMax = 30;

function bearer(request: FastifyRequest): string {
  const [, key] = /^Bearer ([\x21-\x7e]{1,200})$/i.exec(request.headers.authorization ?? '') ?? [];
  if (key === undefined) throw new WritError('unauthenticated', 'This needs an API key.');
  return key;
}

/** The bucket is the authenticated key. Addresses and forwarding headers are the caller's word and choose nothing. */
function bucket(request: FastifyRequest): string {
  return request.caller?.actor.id ?? 'nobody';
}

/** A key wins over a cookie. @throws WritError `unauthenticated`, `session_ended`, `cross_site` */
async function admit(request: FastifyRequest, { keys, sessions, cookie }: Doors): Promise<void> {
  const token = request.headers.authorization === undefined ? cookie.read(request.headers.cookie) : undefined;
  if (token === undefined) {
    const caller = await keys.authenticate(bearer(request));
    request.caller = caller;
    request.stillHolds = () => refuseRevoked(keys, caller.actor.id);
    return;
  }
  refuseOtherSites(request);
  const session = await sessions.find(token);
  if (!isSafe(request) && !provesPage(session, request.headers[csrfHeader]))
    throw new WritError('cross_site', `The header ${csrfHeader} is missing or of another session.`);
  request.session = session;
  request.stillHolds = () => sessions.refuseOver(token);
  request.caller = { actor: { kind: 'key', id: session.key.id }, role: session.key.role };
}

async function refuseRevoked(keys: ApiKeys, id: string): Promise<void> {
  if (!(await keys.find(id))) throw new WritError('unauthenticated', 'The API key was revoked.');
}

/** Puts `request.caller` on every request but public ones, or refuses it. */
export async function authenticateRequests(http: FastifyInstance, doors: Doors, limit: RateLimit): Promise<void> {
  const options: RateLimitPluginOptions = { global: false, cache: keysCached };
  await http.register(rateLimit, options);
  const count = http.createRateLimit({ max: limit.requestsPerMinuteMax, timeWindow: 60_000, keyGenerator: bucket });
  const countSignIn = http.createRateLimit({ max: signInsPerMinuteMax, timeWindow: 60_000, keyGenerator: address });
  http.decorateRequest('caller', undefined);
  http.decorateRequest('session', undefined);
  http.decorateRequest('stillHolds', undefined);
  http.decorateRequest('countOnce', undefined);
  http.addHook('onRequest', async (request) => {
    const { config } = request.routeOptions;
    if (config.signsIn) {
      if (config.signsIn === 'page') refuseOtherSites(request);
      refuseAbove(await countSignIn(request), 'From one address there are at most');
    }
    if (request.is404 || config.public) return;
    await admit(request, doors);
    request.countOnce = () => count(request);
    if (!config.unlimited) await refuseExcess(request);
  });
}

/** Of the socket itself: what a header says of it is the caller's word. */
const address = (request: FastifyRequest) => request.socket.remoteAddress ?? 'nowhere';

type Count = Awaited<ReturnType<ReturnType<FastifyInstance['createRateLimit']>>>;

/** Counts this request against its key; for a route that is `unlimited` and yet has calls that are not. @throws WritError `rate_limited` */
export async function refuseExcess(request: FastifyRequest): Promise<void> {
  refuseAbove(await request.countOnce?.(), 'This key may send');
}

function refuseAbove(count: Count | undefined, who: string): void {
  if (!count || count.isAllowed || !count.isExceeded) return;
  throw new WritError('rate_limited', `${who} ${count.max} requests a minute.`, { retryAfterMs: count.ttl });
}
