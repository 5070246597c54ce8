// An audit log over REST, row by row, and what verification says of it.
import { z } from 'zod';
import { auditCut, receiptKinds } from './audit/format.js';
import { nonce128, sha256Hash, thumbprint, time } from './names.js';
import { auditQuery } from './rest.audit.js';
import { pageLimit } from './rest.js';

const side = z.enum(['hub', 'spoke']);
const several = (value: unknown) => (typeof value === 'string' ? value.split(',') : value);

/** `GET /v1/audit/rows`: the newest first, those before row `before`, of these kinds. */
export const auditRowsQuery = z.strictObject({
  ...auditQuery.shape,
  before: z.coerce.number().pipe(z.int().min(1)).optional(),
  kind: z.preprocess(several, z.array(z.enum(receiptKinds)).min(1).max(20)).optional(),
  limit: pageLimit,
});
export type AuditRowsQuery = z.input<typeof auditRowsQuery>;

/** `raw` is the message exactly as it was said; with `next` as `before` the page goes on, also an empty one. */
export const auditRowsPage = z.strictObject({
  connectionId: nonce128,
  by: side,
  hub: thumbprint,
  spoke: thumbprint,
  rows: z.array(
    z.strictObject({
      n: z.int().min(1),
      h: sha256Hash,
      at: time,
      kind: z.enum(receiptKinds),
      raw: z.string(),
      from: z.strictObject({ epo: nonce128, seq: z.int().min(0) }).optional(),
      cut: auditCut.optional(),
    }),
  ),
  next: z.int().min(1).optional(),
});
export type AuditRowsPage = z.infer<typeof auditRowsPage>;

const count = z.int().min(0);
/** `GET /v1/audit/verification`: what `writ audit verify` says of the export of this moment. */
export const auditVerification = z.strictObject({
  ok: z.boolean(),
  con: nonce128,
  by: side,
  rows: count,
  from: count,
  through: count,
  checkpoints: count,
  countersignedThrough: count,
  unproven: count,
  later: z.strictObject({ n: count, at: count }).optional(),
  findings: z.array(
    z.strictObject({
      fault: z.enum(['edited', 'dropped', 'added', 'swapped', 'cut', 'forged', 'equivocation', 'format']),
      line: count,
      row: count.optional(),
      detail: z.string(),
      evidence: z.tuple([z.string(), z.string()]).optional(),
    }),
  ),
  more: count,
});
