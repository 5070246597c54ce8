// The REST resource of a backup: where on the instance's machine it lies. What is in it never travels.
import { z } from 'zod';
import { time } from './names.js';

/** The answer of `POST /v1/backup`: a file of the instance's own state folder, for its owner only. */
export const backupMade = z.strictObject({
  path: z.string().max(4_096),
  bytes: z.int().min(0),
  madeAt: time,
});
export type BackupMade = z.infer<typeof backupMade>;
