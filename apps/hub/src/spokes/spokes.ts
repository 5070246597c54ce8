// The hub's roster of spokes, in memory: whom a request means, whether it may be sent there, and how old our word of it is.
import { WritError, type AgentResource, type Labels } from '#protocol';
import type { AgentQuery } from '#api';
import { jointState, type Connection, type Connections, type Directory } from '#federation';

import type { Owners } from '../fleet/order.js';

/** When a spoke was last heard, epoch milliseconds; undefined before the first time. */
export type HeardAt = (connectionId: string) => number | undefined;

export class Spokes {
  private readonly roster = new Map<string, Connection>();

  constructor(
    private readonly connections: Connections,
    private readonly directory: Directory,
    private readonly heardAt: HeardAt,
  ) {}

  /** Reads the roster, and tells of every connection now and of each that changes, until the signal. */
  async watch(told: (connection: Connection) => void, signal: AbortSignal): Promise<void> {
    for await (const connection of this.connections.watch(signal)) {
      this.roster.set(connection.id, connection);
      told(connection);
    }
  }

  /** Before anything is asked: what there is at the start. */
  async load(): Promise<readonly Connection[]> {
    const all = await this.connections.list();
    for (const connection of all) this.roster.set(connection.id, connection);
    return all;
  }

  all(): readonly Connection[] {
    return [...this.roster.values()];
  }

  /** @throws WritError `spoke_unknown` */
  find(ref: string): Promise<Connection> {
    return this.directory.find(ref, 'spoke_unknown');
  }

  /** @throws WritError `spoke_unknown`, `connection_closed`, `connection_inactive` */
  async usable(ref: string): Promise<Connection> {
    const connection = await this.find(ref);
    const state = jointState(connection);
    if (state === 'closed')
      throw new WritError('connection_closed', `The connection to ${connection.peer.name} is closed.`);
    if (state !== 'active')
      throw new WritError('connection_inactive', `The connection to ${connection.peer.name} is ${state}.`);
    return connection;
  }

  byConnection(connectionId: string): Promise<Connection> {
    return this.connections.get(connectionId);
  }

  /**
   * Whom `all` or `spoke:<name or id>` means: connections that can still take a kill; and the one name of that scope,
   * however it was written. @throws WritError `invalid_request`, `spoke_unknown`
   */
  async inScope(scope: string): Promise<{ readonly connections: readonly Connection[]; readonly name: string }> {
    if (scope === 'all') {
      const reachable = (connection: Connection) => ['active', 'suspended'].includes(jointState(connection));
      return { connections: this.all().filter(reachable), name: scope };
    }
    if (scope.startsWith('spoke:')) {
      const connection = await this.find(scope.slice('spoke:'.length));
      return { connections: [connection], name: `spoke:${connection.peer.name}` };
    }
    throw new WritError('invalid_request', 'On a hub the scope is `all` or `spoke:<name>`.', { field: 'scope' });
  }

  /** Active connections with all of these labels. */
  active(labels: Labels): Connection[] {
    const wanted = Object.entries(labels);
    return this.all().filter(
      (connection) =>
        jointState(connection) === 'active' && wanted.every(([key, value]) => connection.labels[key] === value),
    );
  }

  /** The connections that a name, labels or both stand for; undefined for all. @throws WritError `spoke_unknown` */
  async owners({ spoke, labels }: Pick<AgentQuery, 'spoke' | 'labels'>): Promise<Owners> {
    const named = spoke === undefined ? undefined : (await this.find(spoke)).id;
    if (!labels) return named === undefined ? undefined : new Set([named]);
    const labelled = this.all().filter((one) =>
      Object.entries(labels).every(([key, value]) => one.labels[key] === value),
    );
    return new Set(labelled.map(({ id }) => id).filter((id) => named === undefined || id === named));
  }

  nameOf(connectionId: string): string | undefined {
    return this.roster.get(connectionId)?.peer.name;
  }

  /** Where an agent is, and how old our word of it is. */
  mark(connectionId: string): Pick<AgentResource, 'spoke' | 'asOf'> {
    const peer = this.roster.get(connectionId)?.peer;
    const heardAt = this.heardAt(connectionId);
    return {
      ...(peer ? { spoke: { id: peer.id, name: peer.name } } : {}),
      ...(heardAt === undefined ? {} : { asOf: new Date(heardAt).toISOString() }),
    };
  }
}
