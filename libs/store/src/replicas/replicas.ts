// Several processes of one instance on one store: who is there, who has gone, and what they tell each other. A process says
// that it lives by a record that runs out; news are entries of one stream, written in the commit of what they tell of.
import { randomUUID } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Append, Key, Store } from '../store.js';
import { StreamTail } from '../stream-tail.js';

/** `about` are ids; what they name is read in the store. */
export interface News {
  readonly from: string;
  readonly kind: string;
  readonly about: readonly string[];
}

export interface ReplicasOptions {
  /** False for a store that one process has for itself: nothing is written then, and nobody else is ever there. */
  readonly shared: boolean;
  /** Who has not been heard for so long has gone; each says it at a third of it. In milliseconds. */
  readonly ttlMs?: number;
  readonly failed?: (error: unknown) => void;
}

type Heard = (news: News) => void;
type Gone = (replica: string) => void;

const defaultTtlMs = 6_000;
/** Each is heard within moments. */
const newsKeptMax = 10_000;
const againMs = 1_000;
const newsOf: Key = ['replicas', 'news'];
const aliveIndex: Key = ['replicas', 'alive'];
const aliveOf = (id: string): Key => ['replicas', 'alive', id];

export class Replicas {
  /** Of this process, a new one at each start. */
  readonly id = randomUUID();
  readonly #others = new Set<string>();
  readonly #listeners = new EventEmitter().setMaxListeners(0);
  readonly #stop = new AbortController();
  readonly #tail: StreamTail;
  #timer: NodeJS.Timeout | undefined;
  #watching: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly options: ReplicasOptions,
  ) {
    this.#tail = new StreamTail(store, newsKeptMax);
  }

  /** Whether there may be others, now or later. */
  get isShared(): boolean {
    return this.options.shared;
  }

  /** Those that live beside this one, as last seen. */
  get others(): readonly string[] {
    return [...this.#others];
  }

  isAlive(replica: string): boolean {
    return replica === this.id || this.#others.has(replica);
  }

  /** An entry for a commit: the others hear of it as soon as that is through, and this one does not. */
  news(kind: string, about: readonly string[]): Append {
    return { stream: newsOf, value: { from: this.id, kind, about } satisfies News };
  }

  /** What is told from now on. */
  onNews(kind: string, heard: Heard): void {
    this.#listeners.on(`news ${kind}`, heard);
  }

  /** A replica left, or was not heard in time. */
  onGone(gone: Gone): void {
    this.#listeners.on('gone', gone);
  }

  /** Says that this process is there, and knows the others when it resolves. */
  async begin(): Promise<void> {
    if (!this.isShared) return;
    const cursor = await this.store.head(newsOf);
    await this.beat([this.news('joined', [])]);
    this.#watching = this.watch(cursor);
    this.#timer = setInterval(() => void this.beatSafely(), this.ttlMs / 3).unref();
  }

  /** The others need not wait until its record has run out. */
  async end(): Promise<void> {
    if (!this.isShared || this.#stop.signal.aborted) return;
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#watching;
    const left = this.news('left', []);
    await this.store.commit({ deletes: [aliveOf(this.id)], appends: [left] }).catch(this.failed);
  }

  private get ttlMs(): number {
    return this.options.ttlMs ?? defaultTtlMs;
  }

  private async beatSafely(): Promise<void> {
    await this.beat().catch(this.failed);
  }

  private async beat(appends: readonly Append[] = []): Promise<void> {
    await this.store.commit({ puts: [{ key: aliveOf(this.id), value: true, ttlMs: this.ttlMs }], appends });
    const alive = await this.store.list(aliveIndex);
    const now = new Set(alive.map(({ key }) => key.at(-1) ?? '').filter((id) => id !== this.id));
    const gone = this.others.filter((id) => !now.has(id));
    for (const id of now) this.#others.add(id);
    for (const id of gone) this.lost(id);
  }

  private lost(id: string): void {
    if (this.#others.delete(id)) this.#listeners.emit('gone', id);
  }

  /** A store that drops the watch is watched again from where it was, or anew when it has begun another life. */
  private async watch(from: number): Promise<void> {
    const { signal } = this.#stop;
    const isOver = () => signal.aborted;
    for (let cursor = from; !isOver();) {
      try {
        for await (const record of this.store.watch<News>(newsOf, cursor, signal)) {
          this.take(record.value);
          await this.#tail.passed(newsOf, cursor, record.cursor);
          cursor = record.cursor;
        }
      } catch (error) {
        if (!isOver()) this.failed(error);
        await sleep(againMs, undefined, { signal, ref: false }).catch(() => undefined);
        cursor = Math.min(cursor, await this.store.head(newsOf).catch(() => cursor));
      }
    }
  }

  private take(news: News): void {
    if (news.from === this.id) return;
    if (news.kind === 'left') this.lost(news.from);
    else this.#others.add(news.from);
    this.#listeners.emit(`news ${news.kind}`, news);
  }

  private readonly failed = (error: unknown): void => this.options.failed?.(error);
}
