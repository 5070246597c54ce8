// Two instances for tests, paired as they are after a pairing: real stores, keys and links, whole or one message at a time.
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { newNonce, operationNames } from '#protocol';
import { openSqliteStore } from '#store';
import type { Store } from '#store';
import type { Alarms } from '../connections/alarms.js';
import type { LinkSetting } from '../connections/connection.js';
import type { Connections } from '../connections/connections.js';
import type { PeerKeys } from '../connections/peer-keys.js';
import { Identity } from '../identity/identity.js';
import type { JournalInbox } from '../journal/inbox.js';
import type { Journal } from '../journal/journal.js';
import { AddressPolicy } from '../links/address-policy.js';
import { Broker } from '../links/broker/broker.js';
import { linkedPair } from '../links/pair.js';
import { postHandler } from '../links/posts.js';
import { acceptWebSockets } from '../links/upgrade.js';
import type { AuditCheckpoints } from '../receipts/checkpoints.js';
import type { Receipts } from '../receipts/receipts.js';
import { hubRecords, spokeRecords } from '../records.js';
import { Peers } from './peers.js';
import type { PeersOptions } from './peers.js';
import type { Peer } from './peer.js';

export type Wiring = 'pair' | 'websocket' | 'https' | 'broker';

/** A broker as both sides dial it, and how to cut every connection to it. */
export interface BrokerPlace {
  readonly url: string;
  cut(): void;
}

/** `place` for the wiring `broker`; everything else for the spoke alone. */
export interface FederationOptions extends Partial<PeersOptions> {
  readonly place?: BrokerPlace;
}

/** Waits until it holds; fails after 10 s with what was waited for. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`Waited 10 s for: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A file store whose incarnation can be changed from outside, as a volatile restart of a shared store does it. */
export interface Instance {
  readonly identity: Identity;
  readonly store: Store;
  readonly connections: Connections;
  readonly peerKeys: PeerKeys;
  readonly alarms: Alarms;
  readonly receipts: Receipts;
  readonly audit: AuditCheckpoints;
  readonly journal: Journal;
  readonly inbox: JournalInbox;
  readonly log: string[];
  peers: Peers;
}

export class Federation {
  readonly con = newNonce();
  readonly folder = mkdtempSync(join(tmpdir(), 'writ-federation-'));
  readonly sockets = new Set<Socket>();
  readonly server: Server;
  /** Added to the clock of that side, in ms. */
  readonly skewMs = { hub: 0, spoke: 0 };
  /** How often each side signs its audit log. */
  checkpointEveryMs = 3_600_000;
  /** Types of the messages that were posted to the spoke. */
  readonly posted: string[] = [];
  hub!: Instance;
  spoke!: Instance;
  #port = 0;
  #stopAccepting = new AbortController();

  private constructor(
    readonly wiring: Wiring,
    private readonly more: FederationOptions,
  ) {
    this.server = createServer((request, response) => {
      postHandler((hint, ...rest) => {
        this.posted.push(hint.typ);
        return this.spoke.peers.route(hint, ...rest);
      })(request, response);
    });
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  /** Paired, both halves active unless told otherwise; nothing dialled yet. */
  static async paired(
    wiring: Wiring = 'pair',
    more: FederationOptions = {},
    hubHalf: 'pending' | 'active' = 'active',
    spokeHalf: 'pending' | 'active' = 'active',
  ) {
    const both = new Federation(wiring, more);
    await new Promise<void>((resolve) => both.server.listen(0, '127.0.0.1', resolve));
    both.#port = (both.server.address() as AddressInfo).port;
    const [hub, spoke] = [await both.instance('hub'), await both.instance('spoke')];
    await both.connect(hub, spoke, 'hub', hubHalf);
    await both.connect(spoke, hub, 'spoke', spokeHalf);
    both.hub = hub;
    both.spoke = spoke;
    if (wiring === 'websocket') both.accept();
    return both;
  }

  /** Both started and connected. */
  static async connected(wiring: Wiring = 'pair', more: FederationOptions = {}) {
    const both = await Federation.paired(wiring, more);
    await both.start();
    return both;
  }

  async start(): Promise<void> {
    await this.hub.peers.start();
    await this.spoke.peers.start();
    await until('both to be ready', () => this.atHub.state === 'ready' && this.atSpoke.state === 'ready');
  }

  /** The spoke as the hub sees it. */
  get atHub(): Peer {
    return found(this.hub.peers.peer(this.con));
  }

  /** The hub as the spoke sees it. */
  get atSpoke(): Peer {
    return found(this.spoke.peers.peer(this.con));
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Cuts every socket, or the pair, without a farewell. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
    if (this.wiring === 'pair') this.atSpoke.drop(1006, 'cut');
    if (this.wiring === 'broker') this.more.place?.cut();
  }

  /** Ends one side and starts it again on what it kept. */
  async restart(side: 'hub' | 'spoke'): Promise<void> {
    const old = this[side];
    this.#stopAccepting.abort();
    await old.peers.close();
    await old.store.close();
    this[side] = await this.instance(side);
    if (this.wiring === 'websocket') this.accept();
    await this[side].peers.start();
  }

  async end(): Promise<void> {
    this.#stopAccepting.abort();
    for (const { peers, store } of [this.spoke, this.hub]) {
      await peers.close();
      await store.close();
    }
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private accept(): void {
    this.#stopAccepting = new AbortController();
    acceptWebSockets(this.server, (link) => this.hub.peers.accept(link), this.#stopAccepting.signal, {
      perMinuteMax: 10_000,
    });
  }

  private async instance(side: 'hub' | 'spoke'): Promise<Instance> {
    const now = (): number => Date.now() + this.skewMs[side];
    const store = await openSqliteStore({ path: join(this.folder, `${side}.db`) });
    const identity = Identity.open(join(this.folder, side), now);
    const policy = new AddressPolicy(['loopback']);
    const log: string[] = [];
    const deps = { store, identity, policy, now, checkpointEveryMs: this.checkpointEveryMs };
    const hub = hubRecords({ ...deps, log: { info: () => undefined, warn: () => undefined } });
    const spoke = spokeRecords({ ...deps, journal: { heartbeatMs: 100 } });
    const options: PeersOptions = {
      ...{ identity, store, records: side === 'hub' ? hub : spoke, now, policy },
      ...(side === 'spoke' ? { source: spoke.journal, ops: operationNames } : { sink: hub.inbox }),
      log: { warn: ({ err }, message) => void log.push(`${message} ${inspect(err)}`) },
      linkTo: this.wiring === 'pair' ? () => Promise.resolve(this.pair()) : undefined,
      broker: this.broker(identity.id, policy),
      ...(side === 'spoke' ? this.more : { heardMs: this.more.heardMs }),
    };
    const { alarms, connections, peerKeys, receipts, audit } = options.records;
    const kept = { alarms, connections, peerKeys, receipts, audit, journal: spoke.journal, inbox: hub.inbox };
    return { identity, store, ...kept, log, peers: new Peers(options) };
  }

  private broker(id: string, policy: AddressPolicy): Broker | undefined {
    const { place } = this.more;
    return place && new Broker({ options: { url: place.url, auth: 'none' }, id, policy, tallyMs: 100 });
  }

  private pair() {
    const [near, far] = linkedPair();
    this.hub.peers.accept(far);
    return near;
  }

  private async connect(of: Instance, other: Instance, we: 'hub' | 'spoke', ours: 'pending' | 'active'): Promise<void> {
    const { id, root, statement } = other.identity;
    const kind = this.wiring === 'https' ? 'direct' : 'outbound';
    const link: LinkSetting = this.wiring === 'broker' ? { kind: 'broker' } : { kind, url: this.url };
    const peer = { id, name: we === 'hub' ? 'spoke' : 'hub', rootJwk: root.publicJwk };
    const { commit } = of.connections.draft({ id: this.con, we, peer, link, ours });
    await of.store.commit({ ...commit, puts: [...(commit.puts ?? []), of.peerKeys.first(this.con, statement)] });
  }
}

function found(peer: Peer | undefined): Peer {
  if (!peer) throw new Error('The instance has not been started.');
  return peer;
}
