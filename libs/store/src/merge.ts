// Several streams read as one, resumable by one cursor. The order between streams is that of arrival; within one it is kept.
import { setTimeout as sleep } from 'node:timers/promises';
import { Positions } from './positions.js';
import type { Key, Store, StreamRecord } from './store.js';

/** `cursor` resumes after this record on every stream. */
export interface MergedRecord<T> {
  readonly cursor: string;
  readonly stream: Key;
  readonly value: T;
}

/** `missing` entries of the stream were trimmed before this reader came to them. `cursor` resumes after the gap. */
export interface MergedGap {
  readonly cursor: string;
  readonly stream: Key;
  readonly missing: number;
}

/** Resolves when the record of that stream with that cursor may be handed on, or at the signal: it holds back its own stream, no other. */
export type Readiness = (stream: Key, cursor: number, signal: AbortSignal) => Promise<void>;

/** How often a growing set of streams is asked for anew, in milliseconds. */
const refreshMs = 1_000;

/**
 * Everything after the cursor on all streams, then what comes, until the signal aborts. Streams that appear later join in.
 * Without a cursor it starts at the beginning. Where a stream was trimmed beyond the reader it says so and goes on with what
 * is left. [O-2] @throws TypeError for a cursor that is not one of ours
 */
export async function* watchMany<T>(
  store: Store,
  streams: () => Promise<readonly Key[]>,
  cursor: string | undefined,
  signal: AbortSignal,
  ready: Readiness = atOnce,
): AsyncIterable<MergedRecord<T> | MergedGap> {
  const positions = Positions.from(cursor);
  const inner = new AbortController();
  const stop = AbortSignal.any([signal, inner.signal]);
  const queue = new Handover<[Key, StreamRecord<T>]>(stop);
  const follow = async (stream: Key) => {
    for await (const record of store.watch<T>(stream, positions.of(stream), stop)) {
      await ready(stream, record.cursor, stop);
      await queue.give([stream, record]);
    }
  };
  const joining = join(streams, follow, queue, stop);
  try {
    for await (const [stream, record] of queue.taken()) {
      const missing = record.cursor - positions.of(stream) - 1;
      if (missing > 0) {
        positions.move(stream, record.cursor - 1);
        yield { cursor: positions.cursor, stream, missing };
      }
      positions.move(stream, record.cursor);
      yield { cursor: positions.cursor, stream, value: record.value };
    }
  } finally {
    inner.abort();
    await joining;
  }
}

/** A cursor of `watchMany` after everything that the streams hold now; undefined while they hold nothing. */
export async function endOfMany(store: Store, streams: readonly Key[]): Promise<string | undefined> {
  const positions = Positions.from(undefined);
  const heads = await Promise.all(streams.map((stream) => store.head(stream)));
  for (const [at, stream] of streams.entries()) if (heads[at]) positions.move(stream, heads[at]);
  return positions.cursor || undefined;
}

const atOnce = () => Promise.resolve();

async function join(
  streams: () => Promise<readonly Key[]>,
  follow: (stream: Key) => Promise<void>,
  queue: Pick<Handover<never>, 'fail'>,
  signal: AbortSignal,
): Promise<void> {
  const joined = new Map<string, Promise<void>>();
  const failed = (error: unknown) => queue.fail(error);
  try {
    while (!signal.aborted) {
      for (const stream of await streams()) {
        const name = JSON.stringify(stream);
        if (!joined.has(name)) joined.set(name, follow(stream).catch(failed));
      }
      await sleep(refreshMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  } catch (error) {
    failed(error);
  }
  await Promise.all(joined.values());
}

/** One item changes hands at a time: a slow reader holds back every stream, nothing piles up. At the signal everybody is let go. */
class Handover<T> {
  private readonly waiting: { item: T; taken: () => void }[] = [];
  private wake = Promise.withResolvers<undefined>();
  private failure: { error: unknown } | undefined;

  constructor(private readonly signal: AbortSignal) {
    signal.addEventListener('abort', () => this.letGo(), { once: true });
  }

  give(item: T): Promise<void> {
    if (this.signal.aborted) return Promise.resolve();
    return new Promise((taken) => {
      this.waiting.push({ item, taken });
      this.ring();
    });
  }

  fail(error: unknown): void {
    this.failure = { error };
    this.ring();
  }

  async *taken(): AsyncIterable<T> {
    while (!this.signal.aborted) {
      if (this.failure) throw this.failure.error;
      const next = this.waiting.shift();
      if (next) {
        next.taken();
        yield next.item;
      } else await this.rest();
    }
  }

  private letGo(): void {
    for (const { taken } of this.waiting.splice(0)) taken();
    this.ring();
  }

  private ring(): void {
    this.wake.resolve(undefined);
  }

  private async rest(): Promise<void> {
    await this.wake.promise;
    this.wake = Promise.withResolvers();
  }
}
