// Where spans go and how many of them.
import { z } from 'zod';

export const tracingOptions = z.strictObject({
  /** A collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318/v1/traces`. */
  url: z.url({ protocol: /^https?$/ }),
  /** A variable of the environment with the collector's `Authorization` header. */
  authorizationEnv: z.string().min(1).max(128).optional(),
  /** Of a hundred traces, how many are kept. It goes by the trace's id: hub and spoke with the same figure keep the same ones. */
  samplePercent: z.int().min(0).max(100).default(100),
});
export type TracingOptions = z.output<typeof tracingOptions>;
