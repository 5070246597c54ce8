// Replay memory: which commands were taken, by (connection, jti), until no copy of them could be valid any more.
// One record a message, whatever it holds; the store puts the records of one tick into one commit. Queries are remembered
// by this process alone (recent.ts).
import { skewS, WritError } from '#protocol';
import type { OperationKind } from '#protocol';
import type { Commit, Store } from '#store';
import { RecentQueries } from './recent.js';

/** What is remembered of a message: its signing input's hash and its kind. */
export interface Remembered {
  readonly h: string;
  readonly kind: OperationKind;
}

/** `fenced`: the memory may have been lost, so that every session has to begin anew before a command is taken. */
export type Verdict =
  | { readonly is: 'new' }
  | { readonly is: 'seen'; readonly before: Remembered }
  | { readonly is: 'full' }
  | { readonly is: 'fenced' };

/** Commits the record, and what the caller adds to it. */
export type Write = (record: Commit) => Promise<{ readonly ok: boolean }>;

const isNew: Verdict = { is: 'new' };
const recordsMax = 1_000_000;
/** Of one connection, in memory: some 75 MB at most. */
const queriesMax = 500_000;
const sliceMs = 10_000;

/** Counts live records in slices of time, so that the bound costs no reads. */
class Tally {
  readonly #slices = new Map<number, number>();
  #live = 0;

  add(untilMs: number): void {
    const slice = Math.ceil(untilMs / sliceMs);
    this.#slices.set(slice, (this.#slices.get(slice) ?? 0) + 1);
    this.#live += 1;
  }

  live(nowMs: number): number {
    for (const [slice, count] of this.#slices) {
      if (slice * sliceMs > nowMs) continue;
      this.#slices.delete(slice);
      this.#live -= count;
    }
    return this.#live;
  }
}

export class ReplayMemory {
  #incarnation: string;
  readonly #tallies = new Map<string, Tally>();
  readonly #queries = new Map<string, RecentQueries>();

  /** `fence` is called when the store is found to be another incarnation: it has to drop every session. */
  constructor(
    private readonly store: Store,
    private readonly now: () => number,
    private readonly fence: () => void,
  ) {
    this.#incarnation = store.incarnation;
  }

  /**
   * Records a message before it is acted upon: at most once, for `lifetimeS` and the skew on both sides of it.
   * @throws WritError `store_unavailable` when it cannot be recorded, and then it must not be acted upon.
   */
  async record(
    connectionId: string,
    jti: string,
    message: Remembered,
    lifetimeS: number,
    write: Write,
  ): Promise<Verdict> {
    if (this.moved()) return { is: 'fenced' };
    const ttlMs = lifeMs(lifetimeS);
    const tally = this.tally(connectionId);
    const nowMs = this.now();
    const query = this.queriesOf(connectionId).find(jti, nowMs);
    if (query !== undefined) return { is: 'seen', before: { h: query, kind: 'query' } };
    if (tally.live(nowMs) >= recordsMax) return { is: 'full' };
    const key = ['federation', 'replay', connectionId, jti] as const;
    const result = await write({ checks: [{ key, version: null }], puts: [{ key, value: message, ttlMs }] });
    if (this.moved()) return { is: 'fenced' };
    if (!result.ok) return this.seen(key);
    tally.add(nowMs + ttlMs);
    return isNew;
  }

  /** The same for a message of queries, without a wait: a copy of it is refused as long as the session lasts that it was sent in. */
  recordQueries(connectionId: string, jti: string, h: string, lifetimeS: number): Verdict {
    if (this.moved()) return { is: 'fenced' };
    const nowMs = this.now();
    const queries = this.queriesOf(connectionId);
    const before = queries.find(jti, nowMs);
    if (before !== undefined) return { is: 'seen', before: { h: before, kind: 'query' } };
    return queries.add(jti, h, nowMs + lifeMs(lifetimeS), nowMs) ? isNew : { is: 'full' };
  }

  private async seen(key: readonly [string, ...string[]]): Promise<Verdict> {
    const entry = await this.store.get<Remembered>(key);
    if (!entry) throw new WritError('store_unavailable', 'The replay memory forgot a record while it was read.');
    return { is: 'seen', before: entry.value };
  }

  private moved(): boolean {
    if (this.store.incarnation === this.#incarnation) return false;
    this.#incarnation = this.store.incarnation;
    this.#tallies.clear();
    this.fence();
    return true;
  }

  private queriesOf(connectionId: string): RecentQueries {
    const known = this.#queries.get(connectionId);
    if (known) return known;
    const made = new RecentQueries(queriesMax);
    this.#queries.set(connectionId, made);
    return made;
  }

  private tally(connectionId: string): Tally {
    const known = this.#tallies.get(connectionId);
    if (known) return known;
    const made = new Tally();
    this.#tallies.set(connectionId, made);
    return made;
  }
}

/** How long a copy of a message could be valid, with the skew on both sides. */
function lifeMs(lifetimeS: number): number {
  return (lifetimeS + 2 * skewS) * 1_000;
}
