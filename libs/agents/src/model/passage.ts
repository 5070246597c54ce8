// The way of one request to the model API and of its reply back: judged, reserved, forwarded with the key of the spoke,
// read while it passes, settled before its end is told. Every request of every agent goes this way.
//
//   judge ─► reserve ─► forward ─► stream and read ─► settle ─► end
//     │         │          │              │  cut, or the agent's end
//     └─ error ─┴─ limit ──┴─ 4xx, 5xx ───┴─► what is known is settled all the same
import { context } from '@opentelemetry/api';
import type { Dispatcher } from 'undici';
import type { Price } from '../runtimes/claude/prices.js';
import { LimitReached, type ModelTrouble, type ModelUpstream } from '../runtimes/runtime.js';
import { noUsage, type Usage } from '#protocol';
import type { Purse, Reservation } from './purse.js';
import { pieces, read, watched } from './bytes.js';
import { chatSpan } from './chat-span.js';
import { ErrorEvents } from './error-events.js';
import { fittingOutput, quoteOf } from './quote.js';
import { Reading } from './reading.js';
import { answeredWith, Refused, refusedFor, troubleOf } from './refusal.js';
import { requestOf, type ModelRequest } from './request.js';

export interface Asked {
  readonly path: string;
  readonly text: string;
  readonly version?: string;
  readonly beta?: string;
  readonly signal: AbortSignal;
}

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface PassageParts {
  readonly upstream: ModelUpstream;
  readonly purse: Purse;
  /** Whether task and grant let the agent use that model. */
  readonly allows: (model: string) => boolean | Promise<boolean>;
  /** The agent's end: ends every stream, and admits nothing after. */
  readonly signal: AbortSignal;
  /** Less output is asked for when all of it does not fit; else the request is refused. */
  readonly fits: boolean;
  readonly trouble: (trouble: ModelTrouble | undefined) => void;
}

/** What one reply goes through. */
interface Way {
  readonly reading: Reading;
  readonly errors: ErrorEvents;
  readonly settle: Reservation['settle'];
  /** The caller's own. */
  readonly left: AbortSignal;
}

const replyBytesMax = 32 * 2 ** 20;
const errorBytesMax = 65_536;
/** Until the first byte of a reply, and between two pieces of it. */
const headersMs = 600_000;
const silenceMs = 300_000;
const passedOn = ['content-type', 'request-id', 'retry-after', 'x-should-retry'] as const;

export class Passage {
  private readonly open = new Set<Promise<unknown>>();
  /** The run of the agent, for requests that come in from elsewhere. */
  private readonly within = context.active();

  constructor(private readonly parts: PassageParts) {}

  /** @throws LimitReached, Refused, WritError `store_unavailable` */
  async pass(asked: Asked): Promise<Reply> {
    try {
      this.parts.signal.throwIfAborted();
      const wanted = requestOf(asked.path, asked.text);
      const price = await this.priceFor(wanted.body.model);
      return await (wanted.path === '/v1/messages' ? this.paid(wanted, price, asked) : this.free(wanted, asked));
    } catch (error) {
      if (!this.parts.signal.aborted && !asked.signal.aborted) this.tell(error);
      throw error instanceof LimitReached ? error : refusedFor(error);
    }
  }

  /** When all that was let through is settled. */
  async settled(): Promise<void> {
    while (this.open.size > 0) await Promise.allSettled(this.open);
  }

  private async priceFor(model: string): Promise<Price> {
    const price = this.parts.upstream.price(model);
    if (price && (await this.parts.allows(model))) return price;
    throw new Refused(403, `The model ${model} is not allowed for this agent, or has no price here.`);
  }

  private async free(wanted: ModelRequest, asked: Asked): Promise<Reply> {
    const reply = await this.forward(wanted, asked, this.key());
    const bytes = await read(reply.body, replyBytesMax);
    return { status: 200, headers: headersOf(reply), body: pieces(bytes) };
  }

  private async paid(wanted: ModelRequest, price: Price, asked: Asked): Promise<Reply> {
    let outputTokens = wanted.body.max_tokens ?? 0;
    const reservation = await this.parts.purse.reserve((left) => {
      if (this.parts.fits) outputTokens = fittingOutput(wanted, price, outputTokens, left);
      return quoteOf(wanted, price, outputTokens);
    });
    const done = Promise.withResolvers<undefined>();
    this.track(done.promise);
    const ended = chatSpan(wanted.body.model, this.within);
    const settling = onceSettled(reservation, (usage) => {
      ended(usage);
      done.resolve(undefined);
    });
    try {
      const key = this.key();
      const body = { ...wanted.body, max_tokens: outputTokens };
      const reply = await this.forward({ ...wanted, body }, asked, key);
      const way = { reading: new Reading(price), errors: new ErrorEvents(key), settle: settling, left: asked.signal };
      const metered = await this.metered(reply, way);
      return { status: 200, headers: headersOf(reply), body: metered };
    } catch (error) {
      await settling(noUsage);
      throw error;
    }
  }

  /** A stream as it comes; anything else is read first. Either way it is settled before its end is told. */
  private async metered({ headers, body }: Dispatcher.ResponseData, way: Way): Promise<AsyncIterable<Uint8Array>> {
    if (String(headers['content-type']).startsWith('text/event-stream')) return this.streamed(body, way);
    const bytes = await read(body, replyBytesMax);
    way.reading.whole(bytes.toString('utf8'));
    await way.settle(way.reading.usage());
    this.parts.trouble(undefined);
    return pieces(bytes);
  }

  private streamed(body: Dispatcher.ResponseData['body'], { reading, errors, settle, left }: Way) {
    body.on('error', () => undefined);
    const signal = AbortSignal.any([this.parts.signal, left]);
    const end = async (how: 'ended' | 'left') => {
      await settle(reading.usage());
      if (reading.complete) this.parts.trouble(undefined);
      else if (!this.parts.signal.aborted && (how === 'ended' || errors.type)) this.tell(brokenOff(errors.type));
    };
    const see = (chunk: Uint8Array) => {
      reading.add(chunk);
      return errors.pass(chunk);
    };
    return watched(body, { see, rest: () => errors.rest(), end, drop: () => body.destroy(), signal });
  }

  /** Read anew for every request. */
  private key(): string {
    const key = this.parts.upstream.key();
    if (!key) throw new Refused(401, 'This spoke has no key for the model API.');
    return key;
  }

  private async forward({ path, body }: ModelRequest, asked: Asked, key: string): Promise<Dispatcher.ResponseData> {
    const { upstream, signal } = this.parts;
    const { request } = await import('undici');
    const reply = await request(`${upstream.baseUrl}${path}${asked.beta ? '?beta=true' : ''}`, {
      method: 'POST',
      headers: { ...headersFor(asked), 'x-api-key': key },
      body: JSON.stringify(body),
      signal: AbortSignal.any([signal, asked.signal]),
      headersTimeout: headersMs,
      bodyTimeout: silenceMs,
    });
    if (reply.statusCode === 200) return reply;
    const text = (await read(reply.body, errorBytesMax).catch(() => Buffer.alloc(0))).toString('utf8');
    throw answeredWith(reply.statusCode, text, key, headersOf(reply));
  }

  private tell(error: unknown): void {
    const trouble = error === undefined ? undefined : troubleOf(error);
    if (error === undefined || trouble) this.parts.trouble(trouble);
  }

  private track(settled: Promise<unknown>): void {
    this.open.add(settled);
    void settled.then(() => this.open.delete(settled));
  }
}

/** A client that is told of an error in the stream may leave before the stream ends. */
function brokenOff(type: string | undefined): Error {
  if (type === undefined) return new Error('cut');
  return new Refused(type === 'overloaded_error' ? 529 : 500, 'The stream broke off.', { type });
}

function onceSettled(reservation: Reservation, done: (usage: Usage) => void): Reservation['settle'] {
  let settled: Promise<void> | undefined;
  return (usage) => (settled ??= reservation.settle(usage).finally(() => done(usage)));
}

/** Of the caller's own headers two are passed on, and only when they are what they should be. */
function headersFor({ version = '', beta = '' }: Asked): Record<string, string> {
  const isBeta = /^[a-z0-9][a-z0-9.,\s-]{0,999}$/.test(beta);
  return {
    'content-type': 'application/json',
    'anthropic-version': /^\d{4}-\d{2}-\d{2}$/.test(version) ? version : '2023-06-01',
    ...(isBeta ? { 'anthropic-beta': beta } : {}),
  };
}

function headersOf({ headers }: Dispatcher.ResponseData): Record<string, string> {
  return Object.fromEntries(
    passedOn.flatMap((name) => (typeof headers[name] === 'string' ? [[name, headers[name]]] : [])),
  );
}
