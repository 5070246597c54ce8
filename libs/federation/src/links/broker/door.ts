// The hub's door at the broker: where its spokes ask for links, each connection on a subject of its own.
import { newNonce } from '#protocol';
import { Rate } from '../../rate.js';
import type { Link } from '../link.js';
import type { Broker } from './broker.js';
import type { BrokerConnection } from './connection.js';
import { BrokerLink } from './link.js';
import type { BrokerRoute } from './open.js';
import { hubEnd, isEnd, openSubject, spokeEnd } from './subjects.js';

/** Replicas that share it take turns: each request goes to one of them. */
export const brokerQueue = 'writ';
/** Links of one connection at once: a replica has one, and now and then a newer one. */
const linksMax = 32;
/** Requests for links of one connection, at once and a second. */
const openRate = [20, 2] as const;

/** Takes requests for links of that connection from now on, on every connection to the broker. Whoever asks has proved nothing. */
export function listenForLinks(broker: Broker, route: BrokerRoute, onLink: (link: Link) => void): void {
  const rate = new Rate(...openRate);
  let links = 0;
  const take = (at: BrokerConnection, reply: string): void => {
    if (!isEnd(reply, spokeEnd.bind(undefined, route.spoke, route.con)) || links >= linksMax || !rate.take()) return;
    const ours = hubEnd(route.hub, route.con, newNonce());
    const link = new BrokerLink(at, { ours, theirs: reply, isTheirs: (subject) => subject === reply }, broker.tallyMs);
    links += 1;
    void link.closed.then(() => (links -= 1));
    onLink(link);
    link.welcome();
  };
  broker.watch((at) => at.subscribe(openSubject(route.hub, route.con), ({ reply }) => take(at, reply), brokerQueue));
}
