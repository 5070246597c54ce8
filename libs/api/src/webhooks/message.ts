// What a receiver is sent: a CloudEvent in structured JSON, and an id that is the same for each try.
import { createHash } from 'node:crypto';
import type { EventGap, EventPiece } from '../gateway.js';

/** `body` is sent exactly as it was signed. */
export interface Message {
  readonly id: string;
  readonly body: string;
}

/** The type of the event that stands for those that are no longer kept. */
const gapType = 'events.missing';

/** `source` is the id of this instance: it speaks for itself only of gaps. */
export function messageOf(piece: EventPiece | EventGap, hook: string, source: string): Message {
  const { cursor, spoke } = piece;
  const where = spoke === undefined ? {} : { spoke };
  if ('event' in piece) {
    const { event } = piece;
    return { id: idOf(spoke ?? '', event.source, event.id), body: JSON.stringify({ ...event, ...where }) };
  }
  const { missing } = piece;
  const id = idOf(source, hook, cursor, String(missing));
  const about = { specversion: '1.0', id, source, type: gapType, subject: hook, time: new Date().toISOString() };
  return { id, body: JSON.stringify({ ...about, ...where, data: { missing } }) };
}

/**
 * Not the event's own id: that was chosen by a partner's spoke, which could write a dot or a line break into it, or take that of another
 * spoke's event and have a receiver drop one of the two as seen.
 */
function idOf(...parts: readonly string[]): string {
  return `evt_${createHash('sha256').update(JSON.stringify(parts)).digest('base64url')}`;
}
