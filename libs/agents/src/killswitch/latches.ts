// A latch refuses new spawns of an owner, or of all, until someone resets it. It stands in the store before anything is
// stopped, and every spawn checks it in its own commit: nobody slips in between. [K-3]
import { WritError, type Actor } from '#protocol';
import type { Append, Check, Entry, Key, Store } from '#store';
import type { Latch } from '../agents.js';

/** The scope of everybody; no owner has this name. */
export const everybody = 'all';

const prefix: Key = ['agents', 'latch'];
const keyOf = (scope: string): Key => ['agents', 'latch', scope];
const TRIES_MAX = 10;

export class Latches {
  constructor(private readonly store: Store) {}

  /** What a spawn's commit checks: neither latch exists. */
  checks(owner: string): Check[] {
    return [everybody, owner].map((scope) => ({ key: keyOf(scope), version: null }));
  }

  /** @throws WritError `latched`. */
  async refuse(owner: string): Promise<void> {
    const latch = await this.over(owner);
    if (latch) throw new WritError('latched', `The killswitch is set since ${latch.setAt}.`);
  }

  /** The latch that stands over an owner: that of everybody, or its own. */
  async over(owner: string): Promise<Latch | undefined> {
    return ((await this.read(everybody)) ?? (await this.read(owner)))?.value;
  }

  /** A latch that stands stays as it is, but an admin's takes the place of a peer's. `order` goes into the same commit. */
  async set(latch: Latch, order: Append): Promise<void> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const before = await this.read(latch.scope);
      const stands = before && (before.value.actor.kind !== 'peer' || latch.actor.kind === 'peer');
      const puts = stands ? [] : [{ key: keyOf(latch.scope), value: latch }];
      const checks = [{ key: keyOf(latch.scope), version: before?.version ?? null }];
      const committed = this.store.commit({ checks, puts, appends: [order] });
      if ((await committed).ok) return;
    }
    throw new WritError('store_unavailable', 'The latch is changed too often by others.');
  }

  /** Whether the scope is still latched afterwards: by itself, as it is not this actor's to clear, or by the one of all. */
  async reset(scope: string, actor: Actor): Promise<boolean> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const before = await this.read(scope);
      const mayClear =
        before && !(actor.kind === 'peer' && (before.value.actor.kind !== 'peer' || scope === everybody));
      if (!mayClear) break;
      const checks = [{ key: keyOf(scope), version: before.version }];
      const committed = this.store.commit({ checks, deletes: [keyOf(scope)] });
      if ((await committed).ok) break;
    }
    return (await this.read(scope)) !== null || (await this.read(everybody)) !== null;
  }

  async all(): Promise<Latch[]> {
    const entries = await this.store.list<Latch>(prefix);
    return entries.map((entry) => entry.value);
  }

  private read(scope: string): Promise<Entry<Latch> | null> {
    return this.store.get<Latch>(keyOf(scope));
  }
}
