// The REST resource of what was spent on a spoke: `GET /v1/usage`.
import { z } from 'zod';
import { usage } from './usage.js';

/** A UTC day, `YYYY-MM-DD`. */
const day = z.iso.date();

/** `GET /v1/usage`: days in UTC, both included, today by default; 400 at most. */
export const usageQuery = z.strictObject({
  from: day.optional(),
  to: day.optional(),
  by: z.enum(['hub', 'repository', 'day']).default('day'),
});
export type UsageQuery = z.input<typeof usageQuery>;

const spending = {
  /** Agents spawned on these days. */
  agents: z.int().min(0),
  ...usage.shape,
  /** Of agents that ended on these days: from spawn to end. */
  wallMs: z.int().min(0),
};

/** `key` is a day, a repository, or the name of a hub (`local` for the spoke's own people). */
export const usageReport = z.strictObject({
  from: day,
  to: day,
  by: z.enum(['hub', 'repository', 'day']),
  rows: z.array(z.strictObject({ key: z.string().max(2_048), ...spending })).max(1_000),
  total: z.strictObject(spending),
  /** Rows that are left out, those with the least money first; `total` has them. */
  more: z.int().min(0),
});
export type UsageReport = z.infer<typeof usageReport>;
