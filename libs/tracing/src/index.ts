// Ground: spans of OpenTelemetry, over the wire too. Without `tracing` in the configuration all of it costs next to nothing.
export { tracingOptions } from './options.js';
export type { TracingOptions } from './options.js';
export { contextFrom, traced, traceId, traceparent } from './span.js';
export { startTracing } from './start.js';
export type { Traced } from './start.js';
