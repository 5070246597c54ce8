// The headers of a push notification: what the receiver asked for, and a signature that anybody can verify with the instance's key set.
import { detached, type InstanceKey } from '../a2a/signature.js';
import type { Message } from '../webhooks/message.js';
import type { PushRecord } from './records.js';

/** A compact JWS without its payload (RFC 7515, appendix F), which is `id.timestamp.body`, as Standard Webhooks signs them; `atMs` is epoch milliseconds. */
export function pushHeaders({ id, body }: Message, record: PushRecord, key: InstanceKey, atMs: number) {
  const { token, authentication } = record;
  const seconds = String(Math.floor(atMs / 1_000));
  const { protected: head, signature } = detached(`${id}.${seconds}.${body}`, key);
  return {
    'content-type': 'application/a2a+json',
    ...{ 'webhook-id': id, 'webhook-timestamp': seconds, 'writ-signature': `${head}..${signature}` },
    ...(token === undefined ? {} : { 'x-a2a-notification-token': token }),
    ...(authentication ? { authorization: `${authentication.scheme} ${authentication.credentials ?? ''}`.trim() } : {}),
  };
}
