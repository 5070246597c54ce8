// One HTTP connection pool to one instance. undici's `request`: it follows no redirect, so the key goes nowhere else.
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates } from 'node:tls';
import { WritError } from '#protocol';
import { Agent, errors, fetch, request } from 'undici';
import type { Dispatcher } from 'undici';
import { problemFrom } from './problem.js';

export interface ConnectionOptions {
  /** Of the instance: `http://127.0.0.1:7300`. */
  readonly url: string;
  /** An API key. Left out, only what is public answers. */
  readonly key?: string;
  /** Authorities trusted besides the public ones, PEM. */
  readonly ca?: readonly string[];
  /** For an answer to begin, on top of what the instance was asked to wait; 30 s by default. */
  readonly timeoutMs?: number;
  /** Tries of a request that may be repeated; 3 by default. */
  readonly triesMax?: number;
  /** Ends whatever is asked of the instance, and what is still to be asked. */
  readonly signal?: AbortSignal;
}

export interface Call {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Doing it twice is doing it once: only then is it ever sent again. GET, PUT and DELETE are by themselves. */
  readonly repeatable?: boolean;
  /** Seconds for `Prefer: wait=N`. */
  readonly waitS?: number;
  readonly signal?: AbortSignal;
  /** An answer of 300 and above that is none of a refusal. */
  readonly alsoFine?: number;
}

export interface Answer<T> {
  readonly status: number;
  readonly location?: string;
  readonly body: T;
}

type Reply = Dispatcher.ResponseData;

const answerBytesMax = 64 * 2 ** 20;
const pauseMs = 100;
const pauseMsMax = 10_000;
/** Three heartbeats of a stream: after that long a silence it counts as cut. */
const silenceMs = 45_000;

export class Http {
  private readonly origin: string;
  private readonly agent: Agent;

  /** @throws WritError `invalid_request` for a URL that is not http or https. */
  constructor(private readonly options: ConnectionOptions) {
    const url = URL.parse(options.url);
    if (!url || !/^https?:$/.test(url.protocol))
      throw new WritError('invalid_request', 'url: must be an http or https URL.', { field: 'url' });
    this.origin = url.origin;
    this.agent = new Agent({ connections: 64, ...trusting(options.ca) });
  }

  /** @throws WritProblem for an answer of 300 and above, WritError `peer_unavailable` when nothing answers, `timed_out` when it did not in time. */
  async call<T>(call: Call): Promise<Answer<T>> {
    const repeatable = call.repeatable ?? call.method !== 'POST';
    const tries = repeatable ? (this.options.triesMax ?? 3) : 1;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.once<T>(call);
      } catch (error) {
        if (attempt >= tries || !isPassing(error)) throw error;
        await sleep(pauseBefore(attempt, error), undefined, { signal: this.endOf(call) });
      }
    }
  }

  /** The body as it comes. @throws as `call`. */
  async stream(call: Call): Promise<AsyncIterable<Uint8Array>> {
    return (await this.download(call)).body;
  }

  /** The body as it comes, and what the headers say of it. @throws as `call`. */
  async download(call: Call): Promise<Pick<Reply, 'headers' | 'body'>> {
    const reply = await this.send(call);
    if (reply.statusCode === 200) return reply;
    throw problemFrom(reply.statusCode, await json(reply));
  }

  /** As the `fetch` of the platform, over these connections and with this key; to this instance alone. @throws as `call` */
  readonly fetch = async (target: string | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(target);
    if (url.origin !== this.origin)
      throw new WritError('invalid_request', `${url.origin} is not this instance.`, { field: 'url' });
    const headers = { ...this.headers({ method: 'POST', path: '' }), ...Object.fromEntries(new Headers(init.headers)) };
    const asked = { ...init, headers, redirect: 'error', dispatcher: this.agent } as Parameters<typeof fetch>[1];
    try {
      // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- undici's is the platform's by another name
      return await fetch(url, asked);
    } catch (error) {
      throw this.unreachable(error instanceof Error && error.cause ? error.cause : error, init.signal ?? undefined);
    }
  };

  async close(): Promise<void> {
    await this.agent.destroy();
  }

  /** What ends a call: its own signal, and that of the whole client. */
  endOf({ signal }: Call): AbortSignal | undefined {
    const signals = [this.options.signal, signal].filter((one) => one !== undefined);
    return signals.length > 1 ? AbortSignal.any(signals) : signals[0];
  }

  private async once<T>(call: Call): Promise<Answer<T>> {
    const reply = await this.send(call);
    const body = await json(reply);
    if (reply.statusCode >= 300 && reply.statusCode !== call.alsoFine) throw problemFrom(reply.statusCode, body);
    const { location } = reply.headers;
    return { status: reply.statusCode, body: body as T, ...(typeof location === 'string' && { location }) };
  }

  private async send(call: Call): Promise<Reply> {
    const { method, path, query, body, waitS = 0 } = call;
    const { timeoutMs = 30_000 } = this.options;
    const signal = this.endOf(call);
    const url = `${this.origin}${path}${search(query)}`;
    const sent = body === undefined ? undefined : JSON.stringify(body);
    const headersTimeout = timeoutMs + waitS * 1_000;
    const limits = { headersTimeout, bodyTimeout: silenceMs, dispatcher: this.agent };
    try {
      return await request(url, { method, body: sent, headers: this.headers(call), signal, ...limits });
    } catch (error) {
      throw this.unreachable(error, signal);
    }
  }

  private headers({ body, headers, waitS }: Call): Record<string, string> {
    const { key } = this.options;
    return {
      accept: 'application/json, application/problem+json',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...(waitS !== undefined && { prefer: `wait=${waitS}` }),
      ...headers,
    };
  }

  private unreachable(cause: unknown, signal: AbortSignal | undefined): unknown {
    if (signal?.aborted) return signal.reason;
    const late = cause instanceof errors.HeadersTimeoutError;
    if (late) return new WritError('timed_out', `${this.origin} took the request and has not answered.`, { cause });
    const said = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
    if (/CERT|SELF_SIGNED|ISSUER|ALTNAME/.test(said))
      return new WritError('peer_unavailable', `The certificate of ${this.origin} is not trusted (${said}).`, {
        cause,
      });
    return new WritError('peer_unavailable', `Nothing answers at ${this.origin}.`, { cause });
  }
}

function trusting(ca: ConnectionOptions['ca']): Agent.Options {
  return ca ? { connect: { ca: [...getCACertificates('default'), ...ca] } } : {};
}

function search(query: Call['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined);
  const text = new URLSearchParams(pairs.map(([name, value]) => [name, String(value)] as [string, string])).toString();
  return text && `?${text}`;
}

async function bytes(reply: Reply): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  for await (const chunk of reply.body as AsyncIterable<Buffer>) {
    total += chunk.length;
    if (total > answerBytesMax) throw new WritError('too_large', `The answer is larger than ${answerBytesMax} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

async function json(reply: Reply): Promise<unknown> {
  const text = (await read(reply)).toString('utf8');
  try {
    return text === '' ? undefined : JSON.parse(text);
  } catch {
    throw problemFrom(reply.statusCode < 400 ? 502 : reply.statusCode, undefined);
  }
}

async function read(reply: Reply): Promise<Buffer> {
  try {
    return await bytes(reply);
  } catch (cause) {
    if (cause instanceof WritError) throw cause;
    throw new WritError('peer_unavailable', 'The answer was cut off.', { cause });
  }
}

/** Whether another try may fare better: nothing answered, too many requests, or a store that was away. */
function isPassing(error: unknown): boolean {
  return error instanceof WritError && ['peer_unavailable', 'rate_limited', 'store_unavailable'].includes(error.code);
}

/** Full jitter (AWS Architecture Blog, "Exponential Backoff And Jitter"), or what the instance asked for. */
export function pauseBefore(attempt: number, error?: unknown): number {
  const asked = error instanceof WritError ? error.retryAfterMs : undefined;
  return Math.min(asked ?? Math.random() * pauseMs * 2 ** attempt, pauseMsMax);
}
