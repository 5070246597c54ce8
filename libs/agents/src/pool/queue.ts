// Who waits for a place in the pool, in the order in which they came, each for a bounded time. [P-4]
import { WritError } from '#protocol';
import type { PoolKey } from './tuple-map.js';
import type { Lease, Warm } from './warm.js';

interface Wanted<T> {
  readonly key: PoolKey;
  readonly maker: object;
  readonly create: () => Promise<T>;
}

export interface Waiter<T> extends Wanted<T> {
  /** False when whoever waited has gone. */
  take(lease: Lease<T>): boolean;
  refuse(error: unknown): void;
}

export class Queue<T extends Warm> {
  private readonly waiting = new Set<Waiter<T>>();

  get size(): number {
    return this.waiting.size;
  }

  inOrder(): readonly Waiter<T>[] {
    return [...this.waiting];
  }

  leave(waiter: Waiter<T>): void {
    this.waiting.delete(waiter);
  }

  wants(key: PoolKey): boolean {
    return this.inOrder().some((waiter) => same(waiter.key, key));
  }

  refuse(error: unknown): void {
    for (const waiter of this.inOrder()) waiter.refuse(error);
  }

  /** @throws WritError `capacity` after `waitMs`; the signal's reason. */
  join(wanted: Wanted<T>, waitMs: number, signal?: AbortSignal): Promise<Lease<T>> {
    return new Promise((resolve, reject) => {
      let isOver = false;
      const over = () => {
        isOver = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        this.waiting.delete(waiter);
      };
      const take = (lease: Lease<T>) => {
        if (isOver) return false;
        over();
        resolve(lease);
        return true;
      };
      const refuse = (error: unknown) => {
        over();
        reject(error instanceof Error ? error : new Error(String(error)));
      };
      const abort = () => refuse(signal?.reason);
      const late = () =>
        refuse(new WritError('capacity', 'No warm place became free in time.', { retryAfterMs: 5_000 }));
      const waiter: Waiter<T> = { ...wanted, take, refuse };
      const timer = setTimeout(late, waitMs).unref();
      this.waiting.add(waiter);
      if (signal?.aborted) abort();
      else signal?.addEventListener('abort', abort, { once: true });
    });
  }
}

function same(one: PoolKey, other: PoolKey): boolean {
  return one.owner === other.owner && one.session === other.session && one.agentId === other.agentId;
}
