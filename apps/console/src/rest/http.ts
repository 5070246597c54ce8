// Asks the instance: JSON over its own REST, under the cookie of the session. No other host is ever asked.
import { proof, sessionOver } from './proof.js';
import { troubleOf } from './problem.js';

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';
type Value = string | number | boolean | undefined;

export interface Ask {
  /** Left out where undefined; a list is joined with commas. */
  readonly query?: Readonly<Record<string, Value | readonly string[]>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

function urlOf(path: string, query: Ask['query'] = {}): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    value === undefined || value.toString() === ''
      ? []
      : [[name, typeof value === 'object' ? value.join(',') : String(value)]],
  );
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs).toString()}`;
}

/** The answer as it is. @throws TroubleError, TypeError when there is none */
export async function send(method: Method, path: string, ask: Ask = {}): Promise<Response> {
  const { query, body, headers, signal } = ask;
  const type: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
  const answer = await fetch(urlOf(path, query), {
    method,
    headers: { accept: 'application/json', ...type, ...(method === 'GET' ? {} : proof()), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    ...(signal && { signal }),
    credentials: 'same-origin',
    redirect: 'error',
  });
  if (answer.ok) return answer;
  const error = await troubleOf(answer);
  if (answer.status === 401) sessionOver(error.trouble);
  throw error;
}

async function json<T>(method: Method, path: string, ask: Ask = {}): Promise<T> {
  const answer = await send(method, path, ask);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

export const get = <T>(path: string, query?: Ask['query'], signal?: AbortSignal) =>
  json<T>('GET', path, { ...(query && { query }), signal });
export const post = <T>(path: string, body: unknown = {}, ask: Omit<Ask, 'body'> = {}) =>
  json<T>('POST', path, { ...ask, body });
export const put = <T>(path: string, body: unknown, ask: Omit<Ask, 'body'> = {}) =>
  json<T>('PUT', path, { ...ask, body });
export const remove = <T = undefined>(path: string, ask: Ask = {}) => json<T>('DELETE', path, ask);
