// Audit logs and alarms over REST.
import { z } from 'zod';
import { time } from './names.js';

/** `peer`: the name or id of a peer, or the id of the connection. */
export const auditQuery = z.strictObject({ peer: z.string().min(1).max(64) });

/** Something an honest peer never does, or keys that run out. `detail` is a sentence for people. */
export const alarm = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9_-]{22}$/, 'must be the id of an alarm'),
  kind: z.string(),
  connection: z.string().optional(),
  detail: z.string(),
  firstAt: time,
  lastAt: time,
  count: z.int().min(1),
});
export type AlarmResource = z.infer<typeof alarm>;
export const alarmPage = z.strictObject({ alarms: z.array(alarm) });
/** `evidence`: the exact messages that prove it. */
export const alarmProof = z.strictObject({ alarm, evidence: z.array(z.string()) });
export type AlarmProof = z.infer<typeof alarmProof>;
