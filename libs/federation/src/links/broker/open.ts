// The dialling end of a broker link: asks the hub for one over the connection that is kept up to the broker.
import { newNonce, WritError } from '#protocol';
import type { Link } from '../link.js';
import type { Broker } from './broker.js';
import { BrokerLink } from './link.js';
import { hubEnd, isEnd, openSubject, spokeEnd } from './subjects.js';

/** A broker says itself that nobody is there, unless somebody else listens to everything. */
const answerMsMax = 2_000;

export interface BrokerRoute {
  readonly hub: string;
  readonly spoke: string;
  readonly con: string;
}

/**
 * Waits for the broker, then for the hub. @throws WritError `peer_unavailable` when the hub is not there, or does not answer.
 */
export async function openBrokerLink(
  broker: Broker,
  { hub, spoke, con }: BrokerRoute,
  signal: AbortSignal,
): Promise<Link> {
  const at = await broker.connected(signal);
  const ours = spokeEnd(spoke, con, newNonce());
  const isTheirs = hubEnd.bind(undefined, hub, con);
  const link = new BrokerLink(at, { ours, isTheirs: (subject) => isEnd(subject, isTheirs) }, broker.tallyMs);
  at.publish(openSubject(hub, con), '', ours);
  return answered(link, signal);
}

async function answered(link: BrokerLink, signal: AbortSignal): Promise<Link> {
  const late = AbortSignal.any([signal, AbortSignal.timeout(answerMsMax)]);
  const leave = (): void => link.close(1001, 'no answer came over the broker');
  late.addEventListener('abort', leave, { once: true });
  const refused = await Promise.race([link.met, link.closed]);
  late.removeEventListener('abort', leave);
  if (!refused) return link;
  signal.throwIfAborted();
  throw new WritError('peer_unavailable', `The hub could not be reached over the broker: ${refused.reason}.`);
}
