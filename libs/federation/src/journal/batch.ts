// Cutting a journal into messages: grouping never changes the chain, so any cut is as good as another.
import { chainNext, eventsMax } from '#protocol';
import type { EventBatch } from './position.js';

/** Bytes of the `events` member as JSON: base64url and the rest of the envelope stay under the message limit of 1 MiB. */
const batchBytesMax = 720_000;

/** Bytes that an event takes inside a message: a JSON string with its comma. */
function encodedBytes(event: string): number {
  return Buffer.byteLength(JSON.stringify(event)) + 1;
}

/** The events that fit into one message, from the first on. One that fits alone always goes. */
export function cut(events: readonly string[], bytesMax: number = batchBytesMax): readonly string[] {
  let bytes = 0;
  const end = events.slice(0, eventsMax).findIndex((event, index) => {
    bytes += encodedBytes(event);
    return index > 0 && bytes > bytesMax;
  });
  return events.slice(0, end < 0 ? eventsMax : end);
}

/** The chain values after each event of a batch. */
export function chainOf({ prev, events }: Pick<EventBatch, 'prev' | 'events'>): readonly string[] {
  let h = prev;
  return events.map((event) => (h = chainNext(h, event)));
}
