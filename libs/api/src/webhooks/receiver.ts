// One receiver over HTTP: one request at a time, no redirects, bounded in time and bytes, and only to addresses that it may have.
import type { LookupFunction } from 'node:net';
import { WritError } from '#protocol';
import type { Agent, Dispatcher } from 'undici';
import type { Message } from './message.js';

/** `reason` is for the log and the doctor; `retryAfterMs` is what the receiver asked for. */
export type Outcome =
  | { readonly kind: 'taken' | 'gone' }
  | { readonly kind: 'failed'; readonly reason: string; readonly retryAfterMs: number };

export interface ReceiverParts {
  readonly url: string;
  /** For each try, with its signature; or what is wrong with the secret, in words that tell nothing of it. */
  readonly headers: (message: Message) => Readonly<Record<string, string>> | string;
  /** Resolves the receiver's name to addresses that may be dialled. */
  readonly lookup: LookupFunction;
  /** For all of one try. */
  readonly timeoutMs: number;
}

/** Of an answer's body; it says nothing to us. */
const answerBytesMax = 65_536;

export class Receiver {
  private agent: Agent | undefined;

  constructor(private readonly of: ReceiverParts) {}

  /** Never throws; a try that `cut` ends counts as failed. */
  async post(message: Message, cut: AbortSignal): Promise<Outcome> {
    const headers = this.of.headers(message);
    if (typeof headers === 'string') return failed(headers);
    try {
      const signal = AbortSignal.any([cut, AbortSignal.timeout(this.of.timeoutMs)]);
      const { request } = await import('undici');
      const dispatcher = (this.agent ??= await this.opened());
      const sent = { method: 'POST', headers, body: message.body, dispatcher, signal } as const;
      const { statusCode, headers: said, body } = await request(this.of.url, sent);
      await body.dump({ limit: answerBytesMax }).catch(() => undefined);
      return outcomeOf(statusCode, said);
    } catch (error) {
      return failed(reasonOf(error));
    }
  }

  async close(): Promise<void> {
    await this.agent?.destroy();
  }

  private async opened(): Promise<Agent> {
    const { Agent } = await import('undici');
    const { lookup, timeoutMs: timeout } = this.of;
    const times = { headersTimeout: timeout, bodyTimeout: timeout };
    return new Agent({ ...times, connections: 1, pipelining: 1, allowH2: false, connect: { lookup, timeout } });
  }
}

function outcomeOf(status: number, headers: Dispatcher.ResponseData['headers']): Outcome {
  if (status >= 200 && status < 300) return { kind: 'taken' };
  if (status === 410) return { kind: 'gone' };
  const after = String(headers['retry-after'] ?? '');
  return failed(`it answered ${status}`, /^\d{1,6}$/.test(after) ? Number(after) * 1_000 : 0);
}

function failed(reason: string, retryAfterMs = 0): Outcome {
  return { kind: 'failed', reason, retryAfterMs };
}

/** A code or a sentence of ours, never the text of somebody's error. */
function reasonOf(error: unknown): string {
  if (error instanceof WritError) return error.detail;
  const { name, code } = error as { readonly name?: unknown; readonly code?: unknown };
  if (name === 'TimeoutError') return 'it did not answer in time';
  return `it could not be reached${typeof code === 'string' && /^[A-Z0-9_]{1,40}$/.test(code) ? ` (${code})` : ''}`;
}
