// Following streams: one connection hears which streams were appended to, whatever their number, and each watch then
// reads on from its own cursor. Messages only wake; what was missed during an outage is read after it.
import type { Redis } from 'ioredis';
import { StoreError } from '../error.js';
import type { StreamRecord } from '../store.js';
import type { Wakeups } from '../wakeups.js';
import type { Connection } from './connection.js';

/** Looks again after this long although nothing was heard: a connection can be dead without saying so. */
const lookMs = 2_000;
/** How many entries a watch reads at once. */
const page = 256;

export class Tail {
  #subscriber?: Redis;
  #look?: NodeJS.Timeout;
  readonly #closing = new AbortController();

  constructor(
    private readonly connection: Connection,
    private readonly channel: string,
    private readonly wakeups: Wakeups,
  ) {}

  /** @throws StoreError `store_unavailable` when the store closes or the incarnation changes; an outage is waited out. */
  async *follow<T>(
    stream: string,
    after: number,
    signal: AbortSignal,
    read: (after: number, limit: number) => Promise<StreamRecord<T>[]>,
  ): AsyncIterable<StreamRecord<T>> {
    const { incarnation } = this.connection;
    const ended = () => signal.aborted;
    const either = AbortSignal.any([signal, this.#closing.signal]);
    using subscription = this.wakeups.subscribe(stream);
    this.#listen();
    for (let cursor = after; !ended();) {
      const records = await this.#outlast(() => read(cursor, page));
      if (this.connection.incarnation !== incarnation)
        throw new StoreError('store_unavailable', 'The stream belongs to another incarnation of the store.');
      if (records.length === 0) await subscription.wait(either);
      for (const record of records) {
        if (ended()) return;
        cursor = record.cursor;
        yield record;
      }
    }
  }

  close(): void {
    this.#closing.abort();
    clearInterval(this.#look);
    this.#subscriber?.disconnect();
  }

  /** Nothing to read while the server is away; the watch is woken when it is back. */
  async #outlast<T>(read: () => Promise<T[]>): Promise<T[]> {
    try {
      return await read();
    } catch (error) {
      const away = error instanceof StoreError && error.code === 'store_unavailable';
      if (away && !this.#closing.signal.aborted) return [];
      throw error;
    }
  }

  #listen(): void {
    this.#look ??= setInterval(() => void this.#lookAgain(), lookMs).unref();
    if (this.#subscriber) return;
    const subscriber = this.connection.client.duplicate({ autoResubscribe: false });
    this.#subscriber = subscriber;
    subscriber.on('error', () => undefined);
    subscriber.on('message', (_channel, stream) => this.wakeups.wake(stream));
    subscriber.on('ready', () => void this.#subscribe(subscriber));
    subscriber.connect().catch(() => undefined);
  }

  async #lookAgain(): Promise<void> {
    await this.connection.confirm();
    this.wakeups.wakeAll();
  }

  /** Appends of the time before the subscription were not heard: everyone looks once more. */
  async #subscribe(subscriber: Redis): Promise<void> {
    try {
      await subscriber.subscribe(this.channel);
      this.wakeups.wakeAll();
    } catch {
      subscriber.disconnect(true);
    }
  }
}
