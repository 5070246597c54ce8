// What becomes of a connection's agents when the connection itself changes: closed, or its hub not heard any more.
import type { Actor } from '#protocol';
import type { Agents } from '#agents';
import { jointState, type Connection, type LinkBoard, type Peer, type Peers } from '#federation';
import type { GrantsService } from '../grants/grants.service.js';
import type { HubLeases } from './leases.js';

const theSpoke: Actor = { kind: 'system', id: 'spoke' };

/** How often silent hubs are looked for, in milliseconds. */
const lookEveryMs = 1_000;

export interface PolicyParts {
  readonly agents: Agents;
  readonly grants: GrantsService;
  readonly peers: Pick<Peers, 'list'>;
  readonly board: Pick<LinkBoard, 'heardAt'>;
  readonly leases: HubLeases;
  readonly failed: (error: unknown) => void;
}

export class ConnectionPolicy {
  /** Closed connections: `true` when their agents are seen to. */
  private readonly closed = new Map<string, boolean>();
  private looking = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly of: PolicyParts) {}

  start(): void {
    this.timer = setInterval(() => void this.lookOnce().catch(this.of.failed), lookEveryMs).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Told of every connection now and whenever one changes. Either side's close kills, unless it said to keep. */
  async changed(connection: Connection): Promise<void> {
    const { id, ours, theirs } = connection;
    if (jointState(connection) !== 'closed' || this.closed.has(id)) return;
    const closed = [ours, theirs].filter(({ state }) => state === 'closed');
    const kept = closed.every(({ agents }) => agents === 'keep');
    this.closed.set(id, kept);
    if (!kept) await this.killOf(id);
  }

  /** What could not be killed now is tried again at every look. [K-2] */
  private async killOf(connectionId: string): Promise<void> {
    const { failed } = await this.of.agents.killAll(connectionId, theSpoke, 'The connection was closed.');
    this.closed.set(connectionId, failed.length === 0);
  }

  /** One look at a time, however long a kill takes. */
  private async lookOnce(): Promise<void> {
    if (this.looking) return;
    this.looking = true;
    try {
      await this.look();
    } finally {
      this.looking = false;
    }
  }

  /** A hub whose grant says so loses its agents when it is silent for too long; they are never started again by themselves. */
  private async look(): Promise<void> {
    for (const [connectionId, done] of this.closed) if (!done) await this.killOf(connectionId);
    for (const peer of this.of.peers.list()) if (jointState(peer.connection) !== 'closed') await this.lookAt(peer);
  }

  private async lookAt({ id }: Peer): Promise<void> {
    const { agents, board, grants, leases } = this.of;
    const rule = (grants.known(id) ?? (await grants.find(id)))?.grant.hubLost ?? 'continue';
    if (rule === 'continue') return;
    if ((await leases.silentMs(id, board.heardAt(id))) < rule.stopAfterS * 1_000) return;
    if ((await agents.live(id)) === 0) return;
    await agents.ownerLost(id, `The hub was not heard for ${rule.stopAfterS} s.`);
  }
}
