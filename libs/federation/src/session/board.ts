// Which process of this instance has a link to whom. Each writes down its own links in the store that they share, with what
// the other side said last; so every one knows whom to ask, and shows the same of a connection as the one that has it.
import type { Key, News, Replicas, Store } from '#store';
import type { StatedGrant } from './peer-core.js';
import type { Peer } from './peer.js';
import type { PeerNews } from './peers.js';

/** A link of another process. Times are epoch milliseconds. */
export interface LinkElsewhere {
  readonly replica: string;
  readonly heardAtMs: number;
  readonly stated?: StatedGrant;
}

/** What a board needs of `Peers`. */
interface BoardPeers {
  peer(connectionId: string): Peer | undefined;
  readonly changes: { subscribe(next: (news: PeerNews) => void): { unsubscribe(): void } };
}

const kind = 'links';
/** A sign of life alone is worth no write of its own. */
const heardEveryMs = 1_000;
const perCommit = 200;
const linkIndex: Key = ['federation', 'link'];
const linkOf = (replica: string, connectionId: string): Key => ['federation', 'link', replica, connectionId];

export class LinkBoard {
  /** By connection, then by replica. */
  readonly #elsewhere = new Map<string, Map<string, LinkElsewhere>>();
  readonly #posted = new Set<string>();
  readonly #changed = new Set<string>();
  #timer: { readonly due: NodeJS.Timeout; readonly soon: boolean } | undefined;
  #writing: Promise<void> = Promise.resolve();
  #subscription: { unsubscribe(): void } | undefined;
  /** Told of a connection when a link of it came or went, here or elsewhere. */
  moved: (connectionId: string) => void = () => undefined;

  constructor(
    private readonly store: Store,
    private readonly replicas: Replicas,
    private readonly peers: BoardPeers,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Whether this process has a link to the peer now. */
  isHere(connectionId: string): boolean {
    return this.peers.peer(connectionId)?.state === 'ready';
  }

  /** The link of another process that lives, the one that was heard last; undefined when none has one. */
  elsewhere(connectionId: string): LinkElsewhere | undefined {
    const links = [...(this.#elsewhere.get(connectionId)?.values() ?? [])];
    const alive = links.filter(({ replica }) => this.replicas.isAlive(replica));
    return alive.sort((a, b) => b.heardAtMs - a.heardAtMs)[0];
  }

  isAnywhere(connectionId: string): boolean {
    return this.isHere(connectionId) || this.elsewhere(connectionId) !== undefined;
  }

  /** When the peer was heard last by any process, epoch milliseconds. */
  heardAt(connectionId: string): number | undefined {
    const times = [this.peers.peer(connectionId)?.lastHeardAt, this.elsewhere(connectionId)?.heardAtMs];
    const known = times.filter((time) => time !== undefined);
    return known.length > 0 ? Math.max(...known) : undefined;
  }

  /** The grant as the peer stated it last, to whichever process has the link. */
  stated(connectionId: string): StatedGrant | undefined {
    return grantOf(this.peers.peer(connectionId)) ?? this.elsewhere(connectionId)?.stated;
  }

  /** Knows the links of others when it resolves, and says its own from then on. */
  async begin(): Promise<void> {
    this.#subscription = this.peers.changes.subscribe((news) => this.here(news));
    if (!this.replicas.isShared) return;
    this.replicas.onNews(kind, (news) => void this.heard(news).catch(this.failed));
    this.replicas.onGone((replica) => void this.forget(replica).catch(this.failed));
    for (const { key, value } of await this.all())
      if (this.replicas.isAlive(value.replica)) this.put(key.at(-1) ?? '', value.replica, value);
      else await this.store.commit({ deletes: [key] });
  }

  /** Links that are to end are no links any more. */
  async end(): Promise<void> {
    this.#subscription?.unsubscribe();
    clearTimeout(this.#timer?.due);
    await this.#writing;
    const deletes = [...this.#posted].map((id) => linkOf(this.replicas.id, id));
    for (let at = 0; at < deletes.length; at += perCommit)
      await this.store.commit({ deletes: deletes.slice(at, at + perCommit) }).catch(this.failed);
  }

  private here({ peer, what }: PeerNews): void {
    if (what === 'state') this.moved(peer.id);
    if (!this.replicas.isShared || what === 'connection') return;
    this.#changed.add(peer.id);
    this.writeSoon(what !== 'heard');
  }

  private writeSoon(soon: boolean): void {
    if (this.#timer && (this.#timer.soon || !soon)) return;
    clearTimeout(this.#timer?.due);
    const write = (): void => {
      this.#timer = undefined;
      this.#writing = this.#writing.then(() => this.write()).catch(this.failed);
    };
    this.#timer = { due: setTimeout(write, soon ? 0 : heardEveryMs).unref(), soon };
  }

  private async write(): Promise<void> {
    const ids = [...this.#changed];
    this.#changed.clear();
    for (let at = 0; at < ids.length; at += perCommit) await this.post(ids.slice(at, at + perCommit));
  }

  private async post(ids: readonly string[]): Promise<void> {
    const up = ids.filter((id) => this.isHere(id));
    const down = ids.filter((id) => !up.includes(id) && this.#posted.has(id));
    if (up.length + down.length === 0) return;
    const puts = up.map((id) => ({ key: linkOf(this.replicas.id, id), value: this.own(id) }));
    const deletes = down.map((id) => linkOf(this.replicas.id, id));
    await this.store.commit({ puts, deletes, appends: [this.replicas.news(kind, [...up, ...down])] });
    for (const id of up) this.#posted.add(id);
    for (const id of down) this.#posted.delete(id);
  }

  private own(id: string): LinkElsewhere {
    const peer = this.peers.peer(id);
    const stated = grantOf(peer);
    return { replica: this.replicas.id, heardAtMs: peer?.lastHeardAt ?? 0, ...(stated && { stated }) };
  }

  private async heard({ from, about }: News): Promise<void> {
    for (const id of about) {
      const before = this.elsewhere(id) !== undefined;
      this.put(id, from, (await this.store.get<LinkElsewhere>(linkOf(from, id)))?.value);
      if (before !== (this.elsewhere(id) !== undefined)) this.moved(id);
    }
  }

  private async forget(replica: string): Promise<void> {
    const had = [...this.#elsewhere].filter(([, links]) => links.delete(replica)).map(([id]) => id);
    for (const id of had) this.moved(id);
    const left = await this.store.list([...linkIndex, replica]);
    for (const { key } of left) await this.store.commit({ deletes: [key] });
  }

  private put(connectionId: string, replica: string, link: LinkElsewhere | undefined): void {
    const links = this.#elsewhere.get(connectionId) ?? new Map<string, LinkElsewhere>();
    if (link) links.set(replica, link);
    else links.delete(replica);
    this.#elsewhere.set(connectionId, links);
  }

  private async all() {
    const found = [];
    for (let after: Key | undefined; ;) {
      const page = await this.store.list<LinkElsewhere>(linkIndex, after ? { after } : {});
      found.push(...page);
      after = page.at(-1)?.key;
      if (after === undefined) return found;
    }
  }
}

function grantOf(peer: Peer | undefined): StatedGrant | undefined {
  const { gv, grant } = peer?.hello ?? {};
  return gv !== undefined && grant !== undefined && gv > 0 ? { gv, grant } : undefined;
}
