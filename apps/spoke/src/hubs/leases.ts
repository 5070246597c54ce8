// How long each hub has not been heard: the lease on which its agents live under a grant that stops them. It is renewed by every
// acknowledged heartbeat and kept in the store, so that a spoke that restarts does not give a silent hub its time anew.
import type { Key, Store } from '#store';

/** A renewal is written down at least so often, in milliseconds. */
const keptEveryMs = 15_000;

interface Lease {
  /** When it was heard last, as the peer says. */
  readonly heardAt: number | undefined;
  /** The same on a clock that never goes back; negative when it was before this process began. */
  readonly sinceMs: number;
  readonly keptMs: number;
}

const recordOf = (connectionId: string): Key => ['spoke', 'hub-heard', connectionId];

export class HubLeases {
  private readonly leases = new Map<string, Lease>();

  constructor(
    private readonly store: Store,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Milliseconds without a sign of life. `heardAt` is the peer's word of when it was heard last: another one than before renews. */
  async silentMs(connectionId: string, heardAt: number | undefined): Promise<number> {
    const lease = this.leases.get(connectionId) ?? (await this.kept(connectionId));
    const isRenewed = heardAt !== undefined && heardAt !== lease.heardAt;
    const next = isRenewed ? await this.renewed(connectionId, heardAt, lease) : lease;
    this.leases.set(connectionId, next);
    return this.now() - next.sinceMs;
  }

  private async renewed(connectionId: string, heardAt: number, { keptMs }: Lease): Promise<Lease> {
    const sinceMs = this.now();
    if (sinceMs - keptMs < keptEveryMs) return { heardAt, sinceMs, keptMs };
    await this.store.commit({ puts: [{ key: recordOf(connectionId), value: await this.store.now() }] });
    return { heardAt, sinceMs, keptMs: sinceMs };
  }

  /** What an earlier process heard last. The store's clock may have gone back since: then no time counts. */
  private async kept(connectionId: string): Promise<Lease> {
    const found = await this.store.get<number>(recordOf(connectionId));
    const silentMs = found === null ? 0 : Math.max(0, (await this.store.now()) - found.value);
    return { heardAt: undefined, sinceMs: this.now() - silentMs, keptMs: -Infinity };
  }
}
