// Where a spawn goes that names no spoke: to the least loaded of those whose grant allows it. The choice stands under the
// spawn's idempotency key before anything is ordered, so that the same request again finds the same spoke.
import { permits, WritError, type SpawnArgs, type SpokeSelector } from '#protocol';
import type { Connection } from '#federation';
import type { Key, Store } from '#store';
import { idkTtlMs } from '../commands/outbox.js';
import type { StatedGrant } from './spokes.service.js';
import type { Spokes } from './spokes.js';

type Where = Exclude<SpokeSelector, string>;

/** What weighs on a spoke now. */
export interface Load {
  /** Agents that live there and spawns on their way, of this hub. */
  readonly agents: (connectionId: string) => Promise<number>;
  readonly isConnected: (connectionId: string) => boolean;
  /** Whether a killswitch of this hub holds it. */
  readonly isLatched: (spoke: string) => Promise<boolean>;
}

interface Place {
  readonly connection: Connection;
  readonly share: number;
}

const placeKey = (idk: string): Key => ['hub', 'placement', idk];

export class Placement {
  constructor(
    private readonly store: Store,
    private readonly spokes: Spokes,
    private readonly stated: StatedGrant,
    private readonly load: Load,
  ) {}

  /** The spoke for this spawn; `not` are those that refused it. @throws WritError `spoke_unknown`, `grant_denied`, `capacity` */
  async choose(where: Where, args: SpawnArgs, idk: string, not: ReadonlySet<string> = new Set()): Promise<Connection> {
    const key = placeKey(idk);
    for (;;) {
      const before = await this.store.get<string>(key);
      if (before && !not.has(before.value)) return this.spokes.byConnection(before.value);
      const chosen = await this.leastLoaded(where, args, not);
      const checks = [{ key, version: before?.version ?? null }];
      const puts = [{ key, value: chosen.id, ttlMs: idkTtlMs }];
      if ((await this.store.commit({ checks, puts })).ok) return chosen;
    }
  }

  private async leastLoaded(where: Where, args: SpawnArgs, not: ReadonlySet<string>): Promise<Connection> {
    const meant = this.spokes.active('labels' in where ? where.labels : {}).filter(({ id }) => !not.has(id));
    if (meant.length === 0) throw new WritError('spoke_unknown', noneMeant(where, not), { field: 'spoke' });
    const allowed = meant.filter(({ id }) => this.allows(id, args));
    if (allowed.length === 0) throw new WritError('grant_denied', this.whyNot(meant, args), { field: 'spoke' });
    const places = (await Promise.all(allowed.map((one) => this.place(one)))).filter((place) => place !== null);
    const [best] = places.sort(
      (a, b) => a.share - b.share || a.connection.peer.name.localeCompare(b.connection.peer.name),
    );
    if (best) return best.connection;
    throw new WritError('capacity', `${namesOf(allowed)}: full, stopped or not connected now.`, {
      retryAfterMs: 5_000,
    });
  }

  /** Null where nothing more goes now. */
  private async place(connection: Connection): Promise<Place | null> {
    const { id, peer } = connection;
    const most = this.stated(id)?.grant.concurrentMax ?? 0;
    const share = (await this.load.agents(id)) / most;
    if (share >= 1 || !this.load.isConnected(id) || (await this.load.isLatched(peer.name))) return null;
    return { connection, share };
  }

  private allows(connectionId: string, args: SpawnArgs): boolean {
    const grant = this.stated(connectionId)?.grant;
    return grant !== undefined && permits(grant, 'agent.spawn', args).ok;
  }

  private whyNot(meant: readonly Connection[], args: SpawnArgs): string {
    const why = meant.slice(0, 5).map(({ id, peer }) => {
      const grant = this.stated(id)?.grant;
      const verdict = grant && permits(grant, 'agent.spawn', args);
      return `${peer.name}: ${verdict && !verdict.ok ? verdict.rule : 'its grant is not known yet'}`;
    });
    return `No spoke's grant allows it (${why.join('; ')}).`;
  }
}

function noneMeant(where: Where, not: ReadonlySet<string>): string {
  if (not.size > 0) return 'Every spoke that could take it has refused.';
  if (!('labels' in where)) return 'No spoke is connected here as an active one.';
  const pairs = Object.entries(where.labels).map(([key, value]) => `${key}=${value}`);
  return `No active spoke has the labels ${pairs.join(', ')}.`;
}

const namesOf = (connections: readonly Connection[]) =>
  connections
    .slice(0, 5)
    .map(({ peer }) => peer.name)
    .join(', ');
