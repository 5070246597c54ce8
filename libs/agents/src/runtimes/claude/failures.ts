// What went wrong with the model: whether to try the turn again, how long to wait, and what to say when it is over.
import { setTimeout as pause } from 'node:timers/promises';
import { APIConnectionError, APIError, APIUserAbortError } from '@anthropic-ai/sdk/error';
import type { ExitReason } from '#protocol';
import { LimitReached } from '../runtime.js';
import { ToolHostFailed } from './tool-link.js';

/** The stream ended, stalled or broke before the reply was whole: the turn is asked for again from its start. */
export class TurnDropped extends Error {}

/** The run cannot go on, for a reason that is no accident. */
export class RunFailed extends Error {
  constructor(
    readonly exitReason: ExitReason,
    message: string,
  ) {
    super(message);
  }
}

const waitMsMax = 60_000;
const retryAfterMsMax = 15 * 60_000;
/** Errors within a stream have no status, only a type. */
const passingTypes = new Set<unknown>(['overloaded_error', 'api_error', 'rate_limit_error', 'timeout_error']);

/** The limit that a request was refused for: the SDK tells it as a connection that failed. */
function limitIn(error: unknown): LimitReached | undefined {
  if (error instanceof LimitReached) return error;
  return error instanceof Error && error.cause !== undefined ? limitIn(error.cause) : undefined;
}

export function isPassing(error: unknown): boolean {
  if (limitIn(error)) return false;
  if (error instanceof APIUserAbortError) return false;
  if (error instanceof TurnDropped || error instanceof APIConnectionError) return true;
  if (!(error instanceof APIError)) return false;
  const status: unknown = error.status;
  if (typeof status !== 'number') return passingTypes.has(error.type);
  return status === 408 || status === 409 || status === 429 || status >= 500;
}

/** Waits before the `attempt`-th retry (from 1): as the API asks, else doubling with jitter. Ends at once with the signal. */
export async function backOff(error: unknown, attempt: number, baseMs: number, signal: AbortSignal): Promise<void> {
  const doubled = Math.min(baseMs * 2 ** (attempt - 1), waitMsMax);
  const waitMs = retryAfterMs(error) ?? doubled * (0.5 + Math.random() / 2);
  await pause(Math.min(waitMs, retryAfterMsMax), undefined, { signal, ref: false });
}

function retryAfterMs(error: unknown): number | undefined {
  if (!(error instanceof APIError)) return undefined;
  const headers: unknown = error.headers;
  const value = headers instanceof Headers ? headers.get('retry-after') : null;
  const seconds = value === null ? NaN : Number(value);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined;
}

/** The end of a run that failed: the machine's word and one sentence, without what the API or the agent said. */
export function endingOf(error: unknown): { exitReason: ExitReason; failure: string } {
  const limit = limitIn(error);
  if (limit) return { exitReason: limit.exitReason, failure: limit.message };
  if (error instanceof RunFailed) return { exitReason: error.exitReason, failure: error.message };
  if (error instanceof ToolHostFailed) return { exitReason: 'sandbox_error', failure: error.message };
  if (error instanceof TurnDropped) return { exitReason: 'model_error', failure: error.message };
  if (error instanceof APIError) return { exitReason: 'model_error', failure: apiFailure(error) };
  return { exitReason: 'runtime_error', failure: 'The runtime failed; the log of the spoke has the cause.' };
}

function apiFailure({ status, type }: { readonly status: unknown; readonly type: string | null }): string {
  if (status === 401 || status === 403) return 'The model API refused the key of the spoke.';
  // 502 is what the spoke's own way to the API says.
  if (typeof status !== 'number' || status === 502) return 'The model API could not be reached, or broke off.';
  return `The model API answered ${status}${type ? ` (${type})` : ''}.`;
}
