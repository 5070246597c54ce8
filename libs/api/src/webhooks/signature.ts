// The headers of Standard Webhooks 1.0: what was sent, when it was tried, and an HMAC over both and the body.
import { createHmac, type KeyObject } from 'node:crypto';
import type { Message } from './message.js';

/** One signature for each key, so that a receiver that knows any of them can verify. `atMs` is epoch milliseconds. */
export function signedHeaders({ id, body }: Message, atMs: number, keys: readonly KeyObject[]) {
  const seconds = Math.floor(atMs / 1_000);
  const signed = `${id}.${seconds}.${body}`;
  const signatures = keys.map((key) => `v1,${createHmac('sha256', key).update(signed).digest('base64')}`);
  return { 'webhook-id': id, 'webhook-timestamp': String(seconds), 'webhook-signature': signatures.join(' ') };
}
