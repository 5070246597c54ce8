// One session's walk along a journal: what waits, then what comes, with heartbeats in between.
import { chainOver, eventsMax, WritError } from '#protocol';
import type { Store } from '#store';
import { cut } from './batch.js';
import type { EventBatch } from './position.js';
import { journalOf, openStanding, walk, type ChainPoint, type Standing } from './standing.js';

/** Where a walk begins: a point that the hub is known to have. */
export interface DeliveryStart {
  readonly epo: string;
  readonly base: number;
  readonly point: Pick<ChainPoint, 'seq' | 'h'>;
}

/** Longer than what is on its way needs to arrive; a heartbeat asks again in any case. */
const askAgainMs = 1_000;

export class Delivery {
  readonly #over = new AbortController();
  readonly #news = new News();
  #rewindTo: number | undefined;
  #asked = { seq: -1, at: 0 };

  constructor(
    private readonly store: Store,
    private readonly connectionId: string,
    private readonly heartbeatMs: number,
  ) {}

  /** Goes on after this `seq`. Messages already on their way behind a gap ask once more for the same: that is not heard. */
  rewind(seq: number): void {
    const now = performance.now();
    if (seq === this.#asked.seq && now - this.#asked.at < Math.min(this.heartbeatMs, askAgainMs)) return;
    this.#asked = { seq, at: now };
    this.#rewindTo = seq;
    this.#news.wake();
  }

  /** @throws WritError `session` when another epoch began or the hub asks for what is gone: both are settled by a new hello. */
  async *run({ epo, base, point }: DeliveryStart, signal: AbortSignal): AsyncGenerator<EventBatch> {
    const ended = AbortSignal.any([signal, this.#over.signal]);
    const follow = this.follow(ended);
    let { seq, h } = point;
    let beatAt = -Infinity;
    try {
      while (!ended.aborted) {
        ({ seq, h } = (await this.rewound(epo)) ?? { seq, h });
        const due = performance.now() - beatAt >= this.heartbeatMs;
        if (due) await this.sameEpoch(epo);
        const events = due ? [] : await this.read(base + seq);
        if (!events) ({ seq, h } = await this.acknowledged(epo, seq));
        if (!events) continue;
        if (due) beatAt = performance.now();
        if (due || events.length > 0) yield { epo, seq: seq + 1, prev: h, events };
        else await this.#news.wait(base + seq, beatAt + this.heartbeatMs - performance.now());
        seq += events.length;
        h = chainOver(h, events);
      }
    } finally {
      this.#over.abort();
      await follow;
    }
  }

  /** Hears of new rows, from this process or another; a store that fails ends the walk. */
  private async follow(ended: AbortSignal): Promise<void> {
    ended.addEventListener('abort', () => this.#news.wake(), { once: true });
    const stream = journalOf(this.connectionId);
    try {
      const rows = this.store.watch(stream, await this.store.head(stream), ended);
      for await (const { cursor } of rows) this.#news.heard(cursor);
    } catch (error) {
      this.#news.failed(error);
    }
  }

  /** Undefined when what comes next is gone: acknowledged over another link, and forgotten. */
  private async read(after: number): Promise<readonly string[] | undefined> {
    const page = await this.store.read<string>(journalOf(this.connectionId), { after, limit: eventsMax });
    if (page[0] && page[0].cursor !== after + 1) return undefined;
    return cut(page.map(({ value }) => value));
  }

  private async acknowledged(epo: string, seq: number): Promise<Pick<ChainPoint, 'seq' | 'h'>> {
    const { acked } = await this.sameEpoch(epo);
    if (acked.seq <= seq) throw new WritError('session', 'Events are gone that nobody has acknowledged.');
    return acked;
  }

  private async rewound(epo: string): Promise<Pick<ChainPoint, 'seq' | 'h'> | undefined> {
    const seq = this.#rewindTo;
    if (seq === undefined) return undefined;
    this.#rewindTo = undefined;
    const { base, acked } = await this.sameEpoch(epo);
    if (seq < acked.seq) throw new WritError('session', 'The hub asks for events that it has acknowledged.');
    return walk(this.store, this.connectionId, base, acked, seq - acked.seq);
  }

  private async sameEpoch(epo: string): Promise<Standing> {
    const { standing } = await openStanding(this.store, this.connectionId);
    if (standing.epo !== epo) throw new WritError('session', 'The journal began another epoch: say hello again.');
    return standing;
  }
}

/** One waiter that is told of news; news that came while nobody waited is remembered. */
class News {
  #newest = 0;
  #woken = false;
  #resume: (() => void) | undefined;
  #failure: { readonly error: unknown } | undefined;

  heard(cursor: number): void {
    this.#newest = cursor;
    this.#resume?.();
  }

  wake(): void {
    this.#woken = true;
    this.#resume?.();
  }

  failed(error: unknown): void {
    this.#failure = { error };
    this.wake();
  }

  /** Until there is a row after the cursor, a wake-up, or the time is over. */
  async wait(after: number, timeoutMs: number): Promise<void> {
    if (!this.#woken && this.#newest <= after) await this.sleep(timeoutMs);
    this.#woken = false;
    if (this.#failure) throw this.#failure.error;
  }

  private async sleep(timeoutMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const timer = setTimeout(() => resolve(undefined), Math.max(0, timeoutMs)).unref();
    this.#resume = () => resolve(undefined);
    await promise;
    clearTimeout(timer);
    this.#resume = undefined;
  }
}
