// Pairing over a broker, for a spoke that reaches nothing else: one message there, one back, both signed by a root.
import { newNonce, WritError } from '#protocol';
import type { Broker } from '../links/broker/broker.js';
import type { BrokerConnection, Heard } from '../links/broker/connection.js';
import { brokerQueue } from '../links/broker/door.js';
import { isPairEnd, pairEnd, pairSubject } from '../links/broker/subjects.js';
import type { PairingPost } from './pairing-post.js';
import { Rate } from '../rate.js';

const answerMsMax = 15_000;
/** Requests that are looked at, at once and a second; the rest is not heard. */
const requestRate = [20, 5] as const;

/**
 * For a spoke: the id of the hub stands in place of a URL. A refusal is silence here, so it never resolves with null.
 * The function it gives throws WritError `peer_unavailable` when the broker or the hub is away, or no answer came.
 */
export function pairingOverBroker(broker: Broker, spoke: string): PairingPost {
  return async (hub, message, signal) => {
    const late = AbortSignal.any([AbortSignal.timeout(answerMsMax), ...(signal ? [signal] : [])]);
    const at = await broker.connected(late).catch(() => {
      throw unavailable('The broker is away');
    });
    return exchange(at, { from: pairEnd(spoke, newNonce()), to: pairSubject(hub), message }, late);
  };
}

interface Question {
  readonly from: string;
  readonly to: string;
  readonly message: string;
}

async function exchange(at: BrokerConnection, { from, to, message }: Question, late: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const hear = ({ text, nobody }: Heard): void => {
    if (nobody) reject(unavailable('The hub is not at the broker'));
    else resolve(text);
  };
  const leave = at.subscribe(from, hear);
  late.addEventListener(
    'abort',
    () => reject(unavailable('No answer came over the broker: the hub is away, or refused')),
    {
      once: true,
    },
  );
  void at.closed.then(() => reject(unavailable('The broker went away')));
  at.publish(to, message, from);
  return promise.finally(leave);
}

/** For a hub: takes pairing requests at the broker from now on. `answer` is null for what gets silence. */
export function listenForPairing(
  broker: Broker,
  hub: string,
  answer: (raw: string) => Promise<string | null>,
  failed: (error: unknown) => void,
): void {
  const rate = new Rate(...requestRate);
  const take = async (at: BrokerConnection, { text, reply }: Heard): Promise<void> => {
    if (!isPairEnd(reply) || !rate.take()) return;
    const answered = await answer(text);
    if (answered !== null) at.publish(reply, answered);
  };
  const hear = (at: BrokerConnection) => (heard: Heard) => void take(at, heard).catch(failed);
  broker.watch((at) => at.subscribe(pairSubject(hub), hear(at), brokerQueue));
}

function unavailable(what: string): WritError {
  return new WritError('peer_unavailable', `${what}; the same invite can be tried again.`);
}
