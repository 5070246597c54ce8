// Claims of events, acknowledgements and checkpoints: what is delivered late, bound by sequence and chain instead of time.
import { z } from 'zod';
import { count, envelope, messageRef } from './envelope.js';
import { nonce128, sha256Hash } from './names.js';

export const eventsMax = 256;
/** UTF-8 bytes of one event's JSON: escaped inside a message it still fits into 1 MiB. */
export const eventBytesMax = 262_144;

const eventText = z
  .string()
  .max(eventBytesMax)
  .refine((text) => Buffer.byteLength(text) <= eventBytesMax, `must have at most ${eventBytesMax} bytes`);

/** `seq` is that of the first event, `prev` = c(seq-1); without events a heartbeat, `seq` then being the next one. */
export const eventClaims = z.strictObject({
  ...envelope,
  epo: nonce128,
  seq: z.int().min(1),
  prev: sha256Hash,
  events: z.array(eventText).max(eventsMax),
});
export type EventClaims = z.infer<typeof eventClaims>;

/** Cumulative: `h` = c(seq). */
export const ackClaims = z.strictObject({
  ...envelope,
  epo: nonce128,
  seq: count,
  h: sha256Hash,
  again: z.literal(true).optional(),
});
export type AckClaims = z.infer<typeof ackClaims>;

/** The audit log has `n` entries and ends in `h`; `of` names the checkpoint of the other side that this one countersigns. */
export const checkpointClaims = z.strictObject({ ...envelope, n: count, h: sha256Hash, of: messageRef.optional() });
export type CheckpointClaims = z.infer<typeof checkpointClaims>;
