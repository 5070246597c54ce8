// The REST resource of a spoke's warm pool.
import { z } from 'zod';
import { agentId, profileName } from './names.js';

const count = z.int().min(0);

/** `GET /v1/pool`: what is warm, what waits, and what came of it since the start. `attempts` counts tries to end it. */
export const poolResource = z.strictObject({
  max: z.int().min(1),
  waiting: count,
  opened: count,
  reused: count,
  evicted: count,
  warm: z.array(
    z.strictObject({
      agentId,
      owner: z.string().max(64),
      session: profileName,
      state: z.enum(['opening', 'leased', 'idle', 'probing', 'closing', 'quarantined']),
      idleMs: count,
      attempts: count,
    }),
  ),
});
export type PoolResource = z.infer<typeof poolResource>;
