// The links that we are the ones to dial: up as long as there is something to say over them.
import type { Store } from '#store';
import type { Connection } from '../connections/connection.js';
import { AddressPolicy } from '../links/address-policy.js';
import type { Broker } from '../links/broker/broker.js';
import { listenForLinks } from '../links/broker/door.js';
import { openBrokerLink } from '../links/broker/open.js';
import { Dialler } from '../links/dialler.js';
import type { Link } from '../links/link.js';
import { dialWebSocket } from '../links/websocket.js';
import { WritError } from '#protocol';
import { Conversation } from './conversation.js';
import type { Lobby } from './conversation.js';
import type { Peer } from './peer.js';

export interface LineOptions {
  readonly store: Store;
  /** Which addresses may be dialled; public ones by default. */
  readonly policy?: AddressPolicy;
  /** Certificates trusted besides the system's, PEM. */
  readonly ca?: string;
  /** Where connections over a broker meet; kept up while the peers are. */
  readonly broker?: Broker;
  /** Where links come from when it is not the network: for two instances in one process. */
  readonly linkTo?: (connection: Connection, signal: AbortSignal) => Promise<Link>;
}

export class Lines {
  readonly #dialling = new Map<string, AbortController>();
  /** Closed by us, and the other side has heard of it since this process started. */
  readonly #told = new Set<string>();
  readonly #dialler: Dialler;
  readonly #keeping = new Set<Promise<void>>();

  constructor(
    private readonly options: LineOptions,
    private readonly lobby: Lobby,
    private readonly stop: AbortSignal,
  ) {
    this.#dialler = new Dialler(options.store, lobby.now);
  }

  /** Dials, goes on, or hangs up: a connection that we closed is dialled until the other side has heard of it. [F-3] */
  update(peer: Peer): void {
    const { ours, theirs } = peer.connection;
    const told = this.#told.has(peer.id) || peer.isConnected;
    const over = theirs.state === 'closed' || (ours.state === 'closed' && told);
    const dialling = this.#dialling.get(peer.id);
    if (weDial(peer.connection) && !over && !dialling && !this.stop.aborted) this.dial(peer);
    if (over && dialling) this.hangUp(peer, dialling);
  }

  /** A spoke asks for its links at the broker: we are there for it, as long as it may still have to hear of an end. */
  expect(peer: Peer): void {
    const { connection } = peer;
    const { broker } = this.options;
    if (connection.we !== 'hub' || connection.link.kind !== 'broker') return;
    if (!broker) this.lobby.log(`${connection.peer.name} can only be reached over a broker: set \`broker\`.`);
    else
      listenForLinks(broker, this.route(connection), (link) => Conversation.accept(link, this.lobby, peer.host.root));
  }

  private dial(peer: Peer): void {
    const stop = new AbortController();
    this.#dialling.set(peer.id, stop);
    const task = {
      name: peer.id,
      dial: (signal: AbortSignal) => this.linkTo(peer.connection, signal),
      attend: (link: Link) => Conversation.dial(link, this.lobby, peer.host),
      failed: (error: unknown) => this.lobby.log(`${peer.connection.peer.name} could not be reached.`, error),
    };
    const dialled = this.#dialler.keep(task, AbortSignal.any([stop.signal, this.stop]));
    const keeping = dialled.catch((error: unknown) => this.failed(peer, error));
    this.#keeping.add(keeping);
    void keeping.finally(() => this.#keeping.delete(keeping));
  }

  /** Resolves when nothing is dialled any more and each back-off is kept: after the signal. */
  async ended(): Promise<void> {
    await Promise.all([...this.#keeping]);
  }

  /** The store does not answer: the next change of the connection dials again. */
  private failed(peer: Peer, error: unknown): void {
    this.#dialling.delete(peer.id);
    this.lobby.log(`${peer.connection.peer.name} is not dialled any more.`, error);
  }

  /** Our last word is on its way: the link goes when it was sent. */
  private hangUp(peer: Peer, dialling: AbortController): void {
    this.#dialling.delete(peer.id);
    this.#told.add(peer.id);
    void peer.greet().finally(() => dialling.abort());
  }

  private async linkTo(connection: Connection, signal: AbortSignal): Promise<Link> {
    const { policy = new AddressPolicy(), ca, linkTo } = this.options;
    if (linkTo) return linkTo(connection, signal);
    const { link } = connection;
    const options = { policy, ca, signal };
    if (link.kind === 'broker') return openBrokerLink(this.broker(), this.route(connection), signal);
    if (link.kind === 'outbound') return dialWebSocket(link.url, options);
    const { dialHttps } = await import('../links/https.js');
    return dialHttps(link.url, options);
  }

  private broker(): Broker {
    const { broker } = this.options;
    if (broker) return broker;
    throw new WritError(
      'peer_unavailable',
      'The connection is over a broker, and this instance has none: set `broker`.',
    );
  }

  private route({ id: con, we, peer }: Connection) {
    const [hub, spoke] = we === 'hub' ? [this.lobby.id, peer.id] : [peer.id, this.lobby.id];
    return { hub, spoke, con };
  }
}

function weDial({ we, link }: Connection): boolean {
  return we === (link.kind === 'direct' ? 'hub' : 'spoke');
}
