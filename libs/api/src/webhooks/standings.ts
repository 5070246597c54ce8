// Where each webhook or push notification stands, in the store: how far it has got, and what keeps it. Written only by whoever holds its
// lease.
import { WritError } from '#protocol';
import { Leases, type Key, type Lease, type Store } from '#store';

/** Times are epoch milliseconds of the store's clock. */
export interface Standing {
  /** Everything up to here was taken; null is the beginning. */
  readonly cursor: string | null;
  /** Tries of the next event that failed, one after the other. */
  readonly failures: number;
  readonly failingSince?: number;
  readonly nextTryAt?: number;
  readonly reason?: string;
  /** It answered that it is gone: not tried until a start. */
  readonly isStopped?: boolean;
}

/** Who has not renewed for so long has lost it. */
export const leaseMs = 15_000;

export class Standings {
  private readonly leases: Leases;

  /** `owner` is this process among those of the instance. */
  constructor(
    private readonly store: Store,
    private readonly owner = '',
    private readonly room: 'webhooks' | 'push' = 'webhooks',
  ) {
    this.leases = new Leases(store, { ttlMs: leaseMs });
  }

  /** All that is kept of it. Without its lease nobody writes any of it again. */
  keysOf(hook: string): readonly Key[] {
    return [this.keyOf(hook), this.leaseOf(hook)];
  }

  /** To be put there with what makes it wanted: everything after the cursor is sent. */
  first(hook: string, cursor: string | null): { readonly key: Key; readonly value: Standing } {
    return { key: this.keyOf(hook), value: { cursor, failures: 0 } };
  }

  now(): Promise<number> {
    return this.store.now();
  }

  async find(hook: string): Promise<Standing | undefined> {
    return (await this.store.get<Standing>(this.keyOf(hook)))?.value;
  }

  /** @throws WritError `conflict` when another process has taken the hook over; StoreError. */
  async keep(hook: string, lease: Lease, value: Standing): Promise<void> {
    const result = await this.store.commit({ checks: [lease.held], puts: [{ key: this.keyOf(hook), value }] });
    if (!result.ok) throw new WritError('conflict', `Another process sends the events of ${hook} now.`);
  }

  /** Null while another process sends this hook's events. */
  take(hook: string): Promise<Lease | null> {
    return this.leases.acquire(this.leaseOf(hook), this.owner);
  }

  async isStillOurs(lease: Lease): Promise<boolean> {
    return (await this.leases.renew(lease)) !== null;
  }

  release(lease: Lease): Promise<void> {
    return this.leases.release(lease);
  }

  private keyOf(hook: string): Key {
    return [this.room, 'standing', hook];
  }

  private leaseOf(hook: string): Key {
    return [this.room, 'lease', hook];
  }
}
