// What a caller is told instead of a reply: the shape of errors that the model API itself has, without any secret.
import { WritError, type ExitReason } from '#protocol';
import { redacted } from '../lifecycle/redact.js';
import { LimitReached, type ModelTrouble } from '../runtimes/runtime.js';

const types = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  502: 'api_error',
  503: 'api_error',
} as const;

/** A request that is not forwarded, or whose answer is not the caller's to read. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly type: string;

  constructor(
    readonly status: number,
    message: string,
    readonly more: { readonly type?: string; readonly headers?: Record<string, string>; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: more.cause });
    this.type = more.type ?? (Object.hasOwn(types, status) ? types[status as keyof typeof types] : 'api_error');
  }

  get body(): string {
    return JSON.stringify({ type: 'error', error: { type: this.type, message: this.message } });
  }
}

/** Whatever went wrong, as it may be told inside. A limit is final: no client has to try again. */
export function refusedFor(error: unknown): Refused {
  if (error instanceof Refused) return error;
  const final = { headers: { 'x-should-retry': 'false' } };
  if (error instanceof LimitReached) return new Refused(403, error.message, final);
  if (error instanceof WritError) return new Refused(503, error.detail, { cause: error });
  return new Refused(502, 'The request could not be passed on to the model API.', { cause: error });
}

/** An error of the model API itself. What it says of the key is ours to know. */
export function answeredWith(status: number, text: string, key: string, headers: Record<string, string>): Refused {
  if (status === 401 || status === 403)
    return new Refused(status, 'The model API refused the key of the spoke.', { headers });
  if (status < 400) return new Refused(502, `The model API answered ${status}.`);
  const { type, message } = errorOf(text);
  const told = retold(message, key);
  const why = `The model API answered ${status}${type ? ` (${type})` : ''}`;
  return new Refused(status, told ? `${why}: ${told}` : `${why}.`, { type, headers });
}

/** What the model API says, without the key and whatever else is nobody's inside. */
export function retold(message: string, key: string): string {
  return redacted(message.replaceAll(key, '[secret]'));
}

/** The body of an error, or the data of an event that tells one. */
export function errorOf(text: string): { type?: string; message: string } {
  try {
    const { error } = JSON.parse(text) as { error?: { type?: unknown; message?: unknown } };
    const type = typeof error?.type === 'string' && /^[a-z_]{1,64}$/.test(error.type) ? error.type : undefined;
    return { type, message: typeof error?.message === 'string' ? error.message : '' };
  } catch {
    return { message: '' };
  }
}

/** What the state of an agent says when it failed on this; undefined for what is the caller's own mistake. */
export function troubleOf(error: unknown): ModelTrouble | undefined {
  if (error instanceof LimitReached) return { exitReason: error.exitReason, failure: error.message };
  const { status, type, message } = refusedFor(error);
  const failed = (failure: string) => ({ exitReason: 'model_error' as ExitReason, failure });
  if (status === 401 || status === 403 || status === 503) return failed(message);
  if (status === 502) return failed('The model API could not be reached, or broke off.');
  if (status === 429 || status >= 500) return failed(`The model API answered ${status} (${type}).`);
  return undefined;
}
