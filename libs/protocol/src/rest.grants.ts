// Grants by themselves over REST, for who writes one: every fault, with what would be allowed there.
import { z } from 'zod';

/** `POST /v1/grants/validate`: anything at all may stand in `grant`. */
export const grantCheck = z.strictObject({ grant: z.unknown() });

/** `path` is as `operations[1]` or `limits.turnsMax`, empty for the whole; `found` is JSON, cut, and absent where nothing stands. */
export const grantFaults = z.strictObject({
  ok: z.boolean(),
  faults: z
    .array(
      z.strictObject({
        path: z.string().max(300),
        found: z.string().max(80).optional(),
        allowed: z.string().max(2_000),
      }),
    )
    .max(100),
  /** Faults beyond those. */
  more: z.int().min(0),
});
export type GrantFaults = z.infer<typeof grantFaults>;

/** `GET /v1/grants/schema`: JSON Schema 2020-12. */
export const grantSchemaResource = z.record(z.string(), z.unknown());
