// What a receiver of push notifications is sent of an event: the same as a stream tells, signed by this instance.
import { createHash } from 'node:crypto';
import type { EventGap, EventPiece, Gateway } from '../gateway.js';
import { isEnd, standingAfter } from '../a2a/states.js';
import { reportsOf, statusOf, taskOf } from '../a2a/tasks.js';
import { whenEnded } from '../a2a/updates.js';
import { isOver, type StreamResponse } from '../a2a/wire.js';
import type { Note } from '../webhooks/courier.js';
import type { PushRecord } from './records.js';

/** Of the task, and of a gap, in which its end may lie. */
export function concerns(piece: EventPiece | EventGap, { taskId }: PushRecord): boolean {
  if ('missing' in piece) return true;
  return piece.event.subject === taskId && (isEnd(piece.event) || standingAfter(piece.event) !== undefined);
}

export async function noteOf(
  gateway: Gateway,
  record: PushRecord,
  piece: EventPiece | EventGap,
  signal: AbortSignal,
): Promise<Note> {
  const body = await bodyOf(gateway, record, piece, signal);
  return {
    id: idOf(record, piece),
    body: JSON.stringify(body),
    isLast: 'task' in body && isOver(body.task.status.state),
  };
}

async function bodyOf(
  gateway: Gateway,
  { taskId: id, contextId }: PushRecord,
  piece: EventPiece | EventGap,
  signal: AbortSignal,
): Promise<StreamResponse> {
  const standing = 'event' in piece ? standingAfter(piece.event) : undefined;
  if (standing) return { statusUpdate: { taskId: id, contextId, status: statusOf({ id, contextId }, standing) } };
  const ended = 'event' in piece ? await whenEnded(gateway, id, signal) : undefined;
  const agent = ended ?? (await gateway.get(id));
  return { task: { ...taskOf(agent), artifacts: reportsOf(agent) } };
}

/** The same for each try. */
function idOf({ taskId, id }: PushRecord, piece: EventPiece | EventGap): string {
  const what = 'event' in piece ? [piece.event.source, piece.event.id] : [piece.cursor, piece.missing];
  return `psh_${createHash('sha256')
    .update(JSON.stringify([taskId, id, ...what]))
    .digest('base64url')}`;
}
