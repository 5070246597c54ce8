// Every peer of this instance: one for each connection, whatever link it is reached over. Dials where we are the one who
// dials, takes in who dials us, and keeps time for all of them with one timer.
import { concat, defer, from, Subject } from 'rxjs';
import type { Observable } from 'rxjs';
import { newNonce, WritError } from '#protocol';
import type { KeyStatement, OperationName } from '#protocol';
import type { Connection } from '../connections/connection.js';
import type { Identity } from '../identity/identity.js';
import type { JournalSink, JournalSource } from '../journal/position.js';
import type { Link } from '../links/link.js';
import type { Route } from '../links/posts.js';
import type { Records } from '../records.js';
import { Conversation } from './conversation.js';
import type { Lobby } from './conversation.js';
import { heardMsMax } from './hearing.js';
import { Lines } from './lines.js';
import type { LineOptions } from './lines.js';
import { logTo } from './log.js';
import type { Log, StructuredLog } from './log.js';
import { Peer } from './peer.js';
import type { PeerChange, StatedGrant } from './peer-core.js';
import type { PeerRoot } from './peer-root.js';
import { PostedLines } from './posted-lines.js';
import { RefusalLog } from './refusals.js';
import { ReplayMemory } from './replay.js';
import { Statements } from './statements.js';

export interface PeersOptions extends LineOptions {
  readonly identity: Identity;
  /** What `hubRecords` or `spokeRecords` wired. */
  readonly records: Pick<Records, 'alarms' | 'connections' | 'peerKeys' | 'receipts' | 'audit'>;
  /** The journal of a spoke, sent to its hubs. */
  readonly source?: JournalSource;
  /** The journals of spokes, as a hub keeps them. */
  readonly sink?: JournalSink;
  /** The operations that are served here; none on a hub. */
  readonly ops?: readonly OperationName[];
  /** On a spoke: what it grants to a connection. Call `greet` of the peer when it changes. */
  readonly grantOf?: (connectionId: string) => Promise<StatedGrant | null>;
  readonly now?: () => number;
  /** Three heartbeats: for how long a peer may not be heard before it counts as lost. 45 s by default, on both sides alike. */
  readonly heardMs?: number;
  readonly log?: StructuredLog;
}

/** Something happened to a peer. */
export interface PeerNews {
  readonly peer: Peer;
  readonly what: PeerChange;
}

const sweepMs = 250;
const auditLookMsMax = 300_000;

export class Peers {
  readonly #peers = new Map<string, Peer>();
  readonly #opened = new Subject<Peer>();
  readonly #changes = new Subject<PeerNews>();
  readonly #stop = new AbortController();
  readonly #replica = newNonce();
  readonly #replay: ReplayMemory;
  readonly #lines: Lines;
  readonly #statements: Statements;
  readonly #posted: PostedLines;
  readonly #lobby: Lobby;
  readonly #now: () => number;
  readonly #log: Log;
  #timer: NodeJS.Timeout | undefined;
  #auditTimer: NodeJS.Timeout | undefined;

  constructor(private readonly options: PeersOptions) {
    this.#now = options.now ?? Date.now;
    this.#log = logTo(options.log);
    this.#replay = new ReplayMemory(options.store, this.#now, () => this.fence());
    const [own, all] = [{ now: this.#now, log: this.#log }, () => this.list()];
    const { identity, records } = options;
    this.#statements = new Statements({ ...own, identity, peerKeys: records.peerKeys, all });
    this.#lobby = {
      ...own,
      id: identity.id,
      refusals: new RefusalLog(this.#log),
      root: (id) => this.#statements.root(id),
      learned: (root, raw) => this.#statements.learned(root, raw),
      rolledBack: (root, raw) => this.#statements.rolledBack(root, raw),
      host: (con, root) => this.hostOf(con, root),
    };
    this.#posted = new PostedLines(this.#lobby, this.#peers);
    this.#lines = new Lines(options, this.#lobby, this.#stop.signal);
  }

  /** Every peer there is, then each that comes. */
  get opened(): Observable<Peer> {
    return defer(() => concat(from([...this.#peers.values()]), this.#opened));
  }

  /** What happens to peers from now on. */
  get changes(): Observable<PeerNews> {
    return this.#changes.asObservable();
  }

  /** The peer of a connection, whether it is connected or not. */
  peer(connectionId: string): Peer | undefined {
    return this.#peers.get(connectionId);
  }

  list(): readonly Peer[] {
    return [...this.#peers.values()];
  }

  /** Learns of all connections, then dials and follows their changes in the background. */
  async start(): Promise<void> {
    this.#statements.begin();
    const { broker, store } = this.options;
    broker?.keep({ store, now: this.#now, log: this.#log }, this.#stop.signal);
    for (const connection of await this.options.records.connections.list()) await this.take(connection);
    this.#timer = setInterval(() => this.sweep(), sweepMs).unref();
    this.#auditTimer = setInterval(() => this.signAudits(), this.auditLookMs).unref();
    void this.follow();
  }

  /** Takes in a link that somebody dialled. */
  readonly accept = (link: Link): void => {
    if (this.#stop.signal.aborted) link.close(1001, 'going away');
    else Conversation.accept(link, this.#lobby);
  };

  /** Finds the link that a posted message belongs to; for `postHandler`. */
  readonly route: Route = (hint, message, remote) =>
    this.#stop.signal.aborted ? null : this.#posted.linkOf(hint, message, remote);

  /** Says a new key statement on every link at once, before anything that its keys sign; to be called with every change of keys. */
  readonly stateKeys = (): void => this.#statements.state();

  /** Says goodbye on every link and waits for what was still to be recorded. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    clearInterval(this.#auditTimer);
    await Promise.all(this.list().map((peer) => peer.signAudit('now')));
    this.#stop.abort();
    for (const peer of this.#peers.values()) peer.drop(1001, 'going away');
    const keeping = [this.#statements.settled(), this.options.broker?.ended(), this.#lines.ended()];
    await Promise.all([...keeping, ...this.list().map((peer) => peer.settled())]);
    this.#opened.complete();
    this.#changes.complete();
  }

  /**
   * Takes a peer's key statement that people brought, where no link does; what its keys said up to now is cut off.
   * @throws WritError `not_found`, `key_invalid` for one of another root, older than the known one, or run out
   */
  async learn(connectionId: string, token: string): Promise<KeyStatement> {
    const peer = this.#peers.get(connectionId);
    if (!peer) throw new WritError('not_found', 'No connection of that id.');
    return this.#statements.learn(peer, token);
  }

  private async follow(): Promise<void> {
    const { signal } = this.#stop;
    try {
      for await (const connection of this.options.records.connections.watch(signal)) await this.take(connection);
    } catch (error) {
      if (!signal.aborted) this.#log('Changes of connections are not followed any more.', error);
    }
  }

  private async take(connection: Connection): Promise<void> {
    try {
      await this.#peers.get(connection.id)?.changed(connection);
      this.#lines.update(this.#peers.get(connection.id) ?? (await this.open(connection)));
    } catch (error) {
      this.#log(`The connection with ${connection.peer.name} could not be taken up.`, error);
    }
  }

  private async open(connection: Connection): Promise<Peer> {
    const { identity, records, source, sink, ops = [], grantOf } = this.options;
    const { connections, alarms, receipts, audit } = records;
    const root = await this.#statements.rootOf(connection);
    const shared = { identity, connections, alarms, receipts, audit, source, sink, ops, grantOf, replay: this.#replay };
    const { heardMs = heardMsMax } = this.options;
    const own = { replica: this.#replica, now: this.#now, heardMs, log: this.#log };
    const changed = (peer: Peer, what: PeerChange): void => this.changed(peer, what);
    const peer = new Peer({ ...shared, ...own }, connection, root, changed);
    this.#peers.set(connection.id, peer);
    this.#statements.keepStated(connection);
    this.#lines.expect(peer);
    this.#opened.next(peer);
    return peer;
  }

  private changed(peer: Peer, what: PeerChange): void {
    if (what === 'hello' || what === 'state') this.#lines.update(peer);
    this.#changes.next({ peer, what });
  }

  private hostOf(con: unknown, root: PeerRoot) {
    const peer = typeof con === 'string' ? this.#peers.get(con) : undefined;
    return peer?.host.root === root ? peer.host : undefined;
  }

  private sweep(): void {
    this.#statements.look();
    for (const peer of this.#peers.values()) peer.sweep();
  }

  /** Due ones only; looked for often enough that an hour is an hour also after a restart. */
  private signAudits(): void {
    for (const peer of this.#peers.values()) void peer.signAudit('due');
  }

  private get auditLookMs(): number {
    return Math.min(auditLookMsMax, Math.max(sweepMs, this.options.records.audit.everyMs / 12));
  }

  /** The replay memory may have been lost: nobody keeps a session from before. */
  private fence(): void {
    this.#log('The store is another one than before: every session begins anew.');
    for (const peer of this.#peers.values()) peer.drop(1012, 'begin anew');
  }
}
