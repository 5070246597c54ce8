// Following streams: one connection hears which streams were appended to, whatever their number, and each watch then
// reads on from its own cursor. Messages only wake; what was missed during an outage is read after it.
import type { Redis } from 'ioredis';
import { StoreError } from '../error.js';
import { follow } from '../follow.js';
import type { StreamRecord } from '../store.js';
import type { Wakeups } from '../wakeups.js';
import type { Connection } from './connection.js';

/** Looks again after this long although nothing was heard: a connection can be dead without saying so. */
const lookMs = 2_000;

type Read<T> = (after: number, limit: number) => Promise<readonly StreamRecord<T>[]>;

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
  async *follow<T>(stream: string, after: number, signal: AbortSignal, read: Read<T>): AsyncIterable<StreamRecord<T>> {
    const { incarnation } = this.connection;
    const subscription = this.wakeups.subscribe(stream);
    this.#listen();
    yield* follow<T>({
      after,
      signal,
      closing: this.#closing.signal,
      subscription,
      read: async (cursor, limit) => {
        const records = await this.#outlast(() => read(cursor, limit));
        if (this.connection.incarnation === incarnation) return records;
        throw new StoreError('store_unavailable', 'The stream belongs to another incarnation of the store.');
      },
    });
  }

  close(): void {
    this.#closing.abort();
    clearInterval(this.#look);
    this.#subscriber?.disconnect();
  }

  /** Nothing to read while the server is away; the watch is woken when it is back. */
  async #outlast<T>(read: () => Promise<readonly T[]>): Promise<readonly T[]> {
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
