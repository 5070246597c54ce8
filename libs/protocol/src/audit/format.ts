// The audit log of a connection as one file: a line for its beginning, one for each row, and a signed one for its end.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { publicJwk } from '../keys.js';
import { nonce128, sha256Hash, time } from '../names.js';

/** Characters of one line: a message of 1 MiB, escaped once more inside its row. */
export const auditLineMax = 4 * 2 ** 20;

/** What a row holds. `refusal`: an authenticated message that was answered with no, as a whole; `cut`: rows before were let go. */
export const receiptKinds = [
  'pairing',
  'keys',
  'command',
  'result',
  'event',
  'ack',
  'refusal',
  'checkpoint',
  'cut',
] as const;
export type ReceiptKind = (typeof receiptKinds)[number];

const position = z.strictObject({ n: z.int().min(0), h: sha256Hash });
export type AuditPosition = z.infer<typeof position>;

/** Of a `cut`: the last row that went, and the strings among those that went without which the rest could not be verified. */
export const auditCut = z.strictObject({ ...position.shape, kept: z.array(z.string()).max(512) });
export type AuditCut = z.infer<typeof auditCut>;

/** The text of a row: what was said, exactly, and when it was written down. `raw` of a `cut` is empty. */
export const receiptText = z.strictObject({
  kind: z.enum(receiptKinds),
  raw: z.string(),
  from: z.strictObject({ epo: nonce128, seq: z.int().min(0) }).optional(),
  cut: auditCut.optional(),
  at: time,
});
export type ReceiptText = z.infer<typeof receiptText>;

/** `by` is the side whose log it is; `base` the row before the first one, row 0 until rows were let go. */
export const auditHeader = z.strictObject({
  audit: z.literal(1),
  con: nonce128,
  by: z.enum(['hub', 'spoke']),
  hub: publicJwk,
  spoke: publicJwk,
  base: position,
});
export type AuditHeader = z.infer<typeof auditHeader>;

/** `text` is the row's JSON exactly as hashed: h = SHA-256(prev ‖ SHA-256(text)). */
export const auditRow = z.strictObject({ n: z.int().min(1), prev: sha256Hash, h: sha256Hash, text: z.string() });
export type AuditRow = z.infer<typeof auditRow>;

/** The last row, and a checkpoint of it that the exporting side signed when the file was made. */
export const auditEnd = z.strictObject({ end: position, checkpoint: z.string() });
export type AuditEnd = z.infer<typeof auditEnd>;

/** Row 0 of a connection's log: every log of its own, so that rows of one never fit another. */
export function auditStart(con: string): string {
  return createHash('sha256').update(`federation\0receipts\0${con}\0`).digest('base64url');
}
