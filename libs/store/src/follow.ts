// How both adapters follow a stream: read on from one's own cursor, and sleep until woken when there is nothing.
import { setImmediate } from 'node:timers/promises';
import type { StreamRecord } from './store.js';
import type { Subscription } from './wakeups.js';

/** How many entries are read at once. */
const page = 256;

/** `read` answers the entries after a cursor and throws when the store has closed; `closing` aborts then. */
export interface Follow<T> {
  readonly after: number;
  readonly signal: AbortSignal;
  readonly closing: AbortSignal;
  readonly subscription: Subscription;
  read(after: number, limit: number): Promise<readonly StreamRecord<T>[]>;
}

/** Lets the event loop turn after every page, however long the stream. */
export async function* follow<T>(options: Follow<T>): AsyncIterable<StreamRecord<T>> {
  const { signal, closing } = options;
  const ended = () => signal.aborted;
  const either = AbortSignal.any([signal, closing]);
  using subscription = options.subscription;
  for (let cursor = options.after; !ended();) {
    const records = await options.read(cursor, page);
    await (records.length === 0 ? subscription.wait(either) : setImmediate());
    for (const record of records) {
      if (ended()) return;
      cursor = record.cursor;
      yield record;
    }
  }
}
