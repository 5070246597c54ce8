// One HTTP request as a test sees it: status, headers, text, JSON.
import { request } from 'undici';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
  json(): unknown;
}

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** Sends `body` as JSON, or as it is when it is text or bytes. */
export function caller(url: string, key?: string) {
  return async (method: Method, path: string, body?: unknown, more: Record<string, string> = {}): Promise<Answer> => {
    const raw = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const auth = key === undefined ? {} : { authorization: `Bearer ${key}` };
    const type = raw === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await request(`${url}${path}`, { method, headers: { ...auth, ...type, ...more }, body: raw });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: answer.headers, text, json: () => JSON.parse(text) as unknown };
  };
}
