// The signed no to a whole message, once it is known who sent it.
import type { MessageError } from '#protocol';
import type { Link, Reply } from '../links/link.js';
import type { Opened } from './peer-root.js';
import type { SessionPeer } from './session-peer.js';

/** Refusals that anybody can provoke with a copy of an old message: they leave no receipt, or a stranger could fill the log. */
const copyable: readonly MessageError[] = ['clock', 'session', 'replay'];

/** Answers a whole message with one signed word. */
export function refuseMessage(
  host: Pick<SessionPeer, 'seal' | 'records'>,
  { link, reply }: { readonly link: Link; readonly reply: Reply | undefined },
  { typ, payload, raw, signingInputHash: h }: Opened,
  err: MessageError,
  diffS?: number,
): void {
  const req = { jti: payload.jti, h };
  const refusal = host.seal.message('writ-res+jws', err === 'clock' ? { req, err, diffS } : { req, err }).raw;
  (reply ?? link).send(refusal);
  reply?.end();
  if (typ !== 'writ-cmd+jws' || copyable.includes(err)) return;
  host.records.keptRefusal(raw, refusal);
}
