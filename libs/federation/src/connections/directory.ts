// Connections as people name and see them: by the peer's name, its id, or the connection's own id.
import { fingerprintWords, WritError, type Hub } from '#protocol';
import { jointState, type Connection } from './connection.js';
import type { Connections } from './connections.js';

/** How a peer is reached right now. `heardAtMs` is epoch milliseconds of its last sure sign of life. */
export interface Reach {
  readonly connected: boolean;
  readonly heardAtMs?: number;
  readonly circuit?: Hub['circuit'];
  readonly clockDifferenceS?: number;
}

export class Directory {
  constructor(
    private readonly connections: Connections,
    private readonly reach: (connectionId: string) => Reach,
  ) {}

  /** All connections, those still open first, each group by name. */
  async all(): Promise<readonly Connection[]> {
    const rank = (connection: Connection) => `${jointState(connection) === 'closed' ? 1 : 0} ${connection.peer.name}`;
    return [...(await this.connections.list())].sort((a, b) => rank(a).localeCompare(rank(b)));
  }

  /** An open connection wins over a closed one of the same name. @throws WritError `not_found`, with `missing` as its code when given. */
  async find(ref: string, missing: 'not_found' | 'spoke_unknown' = 'not_found'): Promise<Connection> {
    const named = await this.connections.named(ref);
    const found =
      named ?? (await this.all()).find(({ id, peer }) => ref === id || ref === peer.id || ref === peer.name);
    if (!found) throw new WritError(missing, `Nobody here goes by the name or id ${ref}.`);
    return found;
  }

  /** What hub and spoke both show of a connection. */
  describe(connection: Connection): Omit<Hub, 'grant'> {
    const { connected, heardAtMs, circuit, clockDifferenceS } = this.reach(connection.id);
    const { id: connectionId, peer, ours, theirs, link, createdAt } = connection;
    const heardAt = heardAtMs === undefined ? undefined : new Date(heardAtMs).toISOString();
    const words = fingerprintWords(peer.id).split(' ');
    const state = jointState(connection);
    return {
      id: peer.id,
      name: peer.name,
      connectionId,
      words,
      state,
      ours,
      theirs,
      connected,
      heardAt,
      circuit,
      clockDifferenceS,
      link,
      createdAt,
    };
  }
}
