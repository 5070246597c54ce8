// Leases over compare-and-set: one owner at a time, and a number that fences off whoever held it before.
import type { Check, Key, Store } from './store.js';

/** A lease as held. `fence` grows with every owner; `expiresAt` is on the store's clock, epoch milliseconds. */
export interface Lease {
  readonly name: Key;
  readonly owner: string;
  readonly fence: number;
  readonly expiresAt: number;
  /** Put it among the checks of a commit: it goes through only while nobody has taken the lease over. Renewing keeps it. */
  readonly held: Check;
}

interface Holder {
  readonly owner: string;
  readonly fence: number;
}

// Two records. `name` says who and changes only when the owner does, so that commits under way survive a renewal and
// the fence never starts over. `[...name, 'alive']` has the TTL: while it is there, the lease is held.
export class Leases {
  constructor(
    private readonly store: Store,
    private readonly options: { readonly ttlMs: number },
  ) {}

  /** Takes the lease if it is free or its time is over; null while another owner has it. The same owner gets it anew, with the next fence. */
  async acquire(name: Key, owner: string): Promise<Lease | null> {
    const now = await this.store.now();
    const [holder, alive] = await Promise.all([this.store.get<Holder>(name), this.store.get(aliveKey(name))]);
    if (alive && holder?.value.owner !== owner) return null;
    const fence = (holder?.value.fence ?? 0) + 1;
    const result = await this.store.commit({
      checks: [
        { key: name, version: holder?.version ?? null },
        { key: aliveKey(name), version: alive?.version ?? null },
      ],
      puts: [{ key: name, value: { owner, fence } satisfies Holder }, this.#alive(name)],
    });
    if (!result.ok) return null;
    return { name, owner, fence, expiresAt: now + this.options.ttlMs, held: { key: name, version: result.version } };
  }

  /** Null when the lease has been taken over. One that ran out but that nobody took is good again. */
  async renew(lease: Lease): Promise<Lease | null> {
    const now = await this.store.now();
    const result = await this.store.commit({ checks: [lease.held], puts: [this.#alive(lease.name)] });
    return result.ok ? { ...lease, expiresAt: now + this.options.ttlMs } : null;
  }

  /** Free for the next at once. Does nothing to a lease that has been taken over. */
  async release(lease: Lease): Promise<void> {
    await this.store.commit({ checks: [lease.held], deletes: [aliveKey(lease.name)] });
  }

  #alive(name: Key) {
    return { key: aliveKey(name), value: true, ttlMs: this.options.ttlMs };
  }
}

function aliveKey(name: Key): Key {
  return [...name, 'alive'];
}
