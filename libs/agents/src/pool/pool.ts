// The warm pool: backends that are kept up between the turns of their sessions. The store is the truth, this is a cache:
// what it lets go is made anew at the next turn. A backend is leased, never just looked at: what is leased is never evicted,
// and whether it may go and that it goes is one step. [P-2]
import { WritError } from '#protocol';
import type { AgentsLog } from '../deps.js';
import { within } from '../lifecycle/within.js';
import { decide, leavingOf, outOfTime, type Seat, type SeatState } from './decisions.js';
import type { PoolOptions } from './options.js';
import { Queue, type Waiter } from './queue.js';
import { TupleMap, type PoolKey } from './tuple-map.js';
import type { Lease, Warm } from './warm.js';

interface Entry<T> extends Seat {
  readonly key: PoolKey;
  /** Who made it: the same key in other hands is another backend. */
  readonly maker: object;
  state: SeatState;
  touchedAtMs: number;
  busyUntilMs: number;
  backend?: T;
  /** It goes as soon as it is given back. */
  isDoomed: boolean;
  attempts: number;
  closing?: Promise<boolean>;
}

/** Why a backend went before its session did: unused for too long, its place was wanted, others came under its key. */
export type Departure = 'idle' | 'capacity' | 'replaced';

export interface PoolView {
  readonly max: number;
  readonly waiting: number;
  readonly opened: number;
  readonly reused: number;
  readonly evicted: Readonly<Record<Departure, number>>;
  readonly entries: readonly {
    readonly key: PoolKey;
    readonly state: SeatState;
    readonly idleMs: number;
    readonly attempts: number;
  }[];
}

export class Pool<T extends Warm> {
  private readonly entries = new TupleMap<Entry<T>>();
  private readonly queue = new Queue<T>();
  private sweeping?: Promise<void>;
  private timer?: NodeJS.Timeout;
  private isClosed = false;
  private readonly counts = { opened: 0, reused: 0, evicted: { idle: 0, capacity: 0, replaced: 0 } };

  constructor(
    private readonly options: PoolOptions,
    private readonly log: AgentsLog,
    /** Monotonic milliseconds: a step of the machine's clock evicts nobody. [P-10] */
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Sweeps from now on. */
  begin(): void {
    this.timer = setInterval(() => void this.sweep(), this.options.sweepMs).unref();
  }

  /**
   * The backend of that key, warm or made by `create`, for the caller alone until it is given back. Whoever comes first is
   * served first; one backend of a key is made at a time.
   * @throws WritError `capacity` when there was no place in time; the signal's reason; what `create` throws.
   */
  lease(key: PoolKey, maker: object, create: () => Promise<T>, signal?: AbortSignal): Promise<Lease<T>> {
    if (this.isClosed) return Promise.reject(new WritError('capacity', 'The spoke is shutting down.'));
    const leased = this.queue.join({ key, maker, create }, this.options.waitMs, signal);
    this.admit();
    return leased;
  }

  /** Ends what is warm under that key; one that is leased goes when it is given back. True when nothing of it is left. */
  async end(key: PoolKey): Promise<boolean> {
    const entry = this.entries.get(key);
    if (!entry) return true;
    entry.isDoomed = true;
    if (entry.state === 'leased' || entry.state === 'opening') return false;
    return this.close(entry);
  }

  /** Whoever knows that nothing lives under that key any more says so: its place is free at once. */
  gone(key: PoolKey): void {
    const entry = this.entries.get(key);
    if (!entry) return;
    entry.backend?.close().catch(() => undefined);
    this.forget(entry);
  }

  /** Lets go what was idle for too long, and tries again what would not die. Two at once are one. [P-8] */
  sweep(): Promise<void> {
    this.sweeping ??= this.pass().finally(() => (this.sweeping = undefined));
    return this.sweeping;
  }

  /** No lease any more; everything ends, what is leased when it is given back. Returns how many are left. */
  async drain(): Promise<number> {
    this.isClosed = true;
    clearInterval(this.timer);
    this.queue.refuse(new WritError('capacity', 'The spoke is shutting down.'));
    await this.sweeping;
    await Promise.all([...this.entries.values()].map((entry) => this.end(entry.key)));
    return this.entries.size;
  }

  view(): PoolView {
    const now = this.now();
    const entries = [...this.entries.values()].map(({ key, state, touchedAtMs, attempts }) => ({
      ...{ key, state, attempts },
      idleMs: state === 'idle' ? Math.round(now - touchedAtMs) : 0,
    }));
    return { max: this.options.warmMax, waiting: this.queue.size, ...structuredClone(this.counts), entries };
  }

  /** Serves whom it can, in the order in which they came. */
  private admit(): void {
    let leaving = leavingOf(this.entries.values());
    for (const waiter of this.queue.inOrder()) {
      const own = this.entries.get(waiter.key);
      const isStale = own !== undefined && own.maker !== waiter.maker;
      const wish = { own, isStale, leaving, max: this.options.warmMax };
      const verdict = decide([...this.entries.values()], wish, this.now());
      if (verdict.kind === 'reuse') this.reuse(verdict.seat, waiter);
      else if (verdict.kind === 'create') void this.open(waiter);
      else if (verdict.kind === 'replace') this.replace(verdict.seat);
      else if (verdict.kind === 'evict') void this.evict(verdict.seat, 'capacity');
      else if (!own) leaving -= 1;
    }
  }

  private reuse(entry: Entry<T>, waiter: Waiter<T>): void {
    this.counts.reused += 1;
    this.hand(entry, waiter);
  }

  /** The place is taken before anything is made: nobody makes a second one meanwhile. */
  private async open(waiter: Waiter<T>): Promise<void> {
    const { key, maker } = waiter;
    const times = { touchedAtMs: this.now(), busyUntilMs: 0 };
    const entry: Entry<T> = { key, maker, state: 'opening', ...times, isDoomed: false, attempts: 0 };
    this.entries.set(key, entry);
    this.queue.leave(waiter);
    try {
      entry.backend = await waiter.create();
      this.counts.opened += 1;
      if (this.entries.get(key) !== entry)
        throw new WritError('killed', 'The agent was stopped before its backend was up.');
      this.hand(entry, waiter);
    } catch (error) {
      this.forget(entry);
      waiter.refuse(error);
    }
  }

  private hand(entry: Entry<T>, waiter: Waiter<T>): void {
    const { backend } = entry;
    this.queue.leave(waiter);
    entry.state = 'leased';
    if (!backend) throw new WritError('internal', 'A place without a backend was handed out.');
    let isBack = false;
    const release = () => {
      if (!isBack) this.takeBack(entry);
      isBack = true;
    };
    if (!waiter.take({ backend, release })) release();
  }

  private takeBack(entry: Entry<T>): void {
    if (this.entries.get(entry.key) !== entry) return;
    entry.state = 'idle';
    entry.touchedAtMs = this.now();
    if (entry.isDoomed || this.isClosed) void this.close(entry);
    this.admit();
  }

  private replace(entry: Entry<T>): void {
    this.counts.evicted.replaced += 1;
    void this.close(entry);
  }

  /** Only what says that it is idle goes, and only if nobody has asked for it meanwhile. */
  private async evict(entry: Entry<T>, why: Departure): Promise<void> {
    entry.state = 'probing';
    const isIdle = await this.probe(entry);
    if (!this.isIn(entry, 'probing')) return;
    entry.state = 'idle';
    if (!isIdle) entry.busyUntilMs = this.now() + this.options.probeAgainMs;
    if (isIdle && !this.queue.wants(entry.key)) {
      this.counts.evicted[why] += 1;
      void this.close(entry);
    }
    this.admit();
  }

  /** Whether it is there still, in that state: much can happen while somebody is waited for. */
  private isIn(entry: Entry<T>, state: SeatState): boolean {
    return this.entries.get(entry.key) === entry && entry.state === state;
  }

  private async probe({ backend, key }: Entry<T>): Promise<boolean> {
    try {
      return backend !== undefined && (await within(this.options.probeMs, 'A probe', backend.idle()));
    } catch (cause) {
      this.log.warn({ cause, agentId: key.agentId }, 'a warm backend cannot say whether it is busy: it counts as busy');
      return false;
    }
  }

  /** True when nothing of it is left. What does not die in time is kept, counted, and tried again by the sweep. */
  private close(entry: Entry<T>): Promise<boolean> {
    if (entry.state === 'closing' && entry.closing) return entry.closing;
    entry.state = 'closing';
    entry.closing = this.closeNow(entry);
    return entry.closing;
  }

  private async closeNow(entry: Entry<T>): Promise<boolean> {
    entry.attempts += 1;
    try {
      const closed = Promise.resolve(entry.backend?.close()).then(() => this.forget(entry));
      await within(this.options.closeMs, 'Closing a warm backend', closed);
      return true;
    } catch (cause) {
      if (this.entries.get(entry.key) !== entry) return true;
      entry.state = 'quarantined';
      const { agentId } = entry.key;
      this.log.error({ cause, agentId, attempts: entry.attempts }, 'a warm backend would not end; it is tried again');
      return false;
    }
  }

  /** Also when a close that was given up comes through in the end. */
  private forget(entry: Entry<T>): void {
    if (this.entries.get(entry.key) === entry) this.entries.delete(entry.key);
    this.admit();
  }

  private async pass(): Promise<void> {
    const seats = [...this.entries.values()];
    const late = outOfTime(seats, this.now(), this.options.idleMs).map((entry) => this.evict(entry, 'idle'));
    const dead = seats.filter(({ state }) => state === 'quarantined').map((entry) => this.close(entry));
    await Promise.all([...late, ...dead]);
    this.admit();
  }
}
