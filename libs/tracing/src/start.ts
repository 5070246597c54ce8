// Begins to keep spans and send them. The SDK is loaded by whoever asks for it.
import { context, propagation, trace } from '@opentelemetry/api';
import type { TracingOptions } from './options.js';

/** Whose spans these are. */
export interface Traced {
  readonly role: 'hub' | 'spoke';
  readonly name: string;
  readonly version: string;
}

/** Spans that wait when the collector is away; beyond it new ones are dropped. */
const queueMax = 4_096;
const sendEveryMs = 2_000;
const farewellMsMax = 3_000;

/**
 * Resolves with what ends it: what is kept is sent, for a moment at most. A collector that is away holds nothing up.
 * `variable` reads the environment.
 */
export async function startTracing(
  options: TracingOptions | undefined,
  who: Traced,
  variable: (name: string) => string | undefined,
): Promise<() => Promise<void>> {
  if (!options) return () => Promise.resolve();
  const { AsyncLocalStorageContextManager } = await import('@opentelemetry/context-async-hooks');
  const { W3CTraceContextPropagator } = await import('@opentelemetry/core');
  const provider = await providerOf(options, who, variable);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(provider);
  return async () => {
    await provider.forceFlush({ timeoutMillis: farewellMsMax }).catch(() => undefined);
    await provider.shutdown().catch(() => undefined);
  };
}

async function providerOf(
  { url, authorizationEnv, samplePercent }: TracingOptions,
  { role, name, version }: Traced,
  variable: (name: string) => string | undefined,
) {
  const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http');
  const { resourceFromAttributes } = await import('@opentelemetry/resources');
  const sdk = await import('@opentelemetry/sdk-trace');
  const authorization = authorizationEnv === undefined ? undefined : variable(authorizationEnv);
  const exporter = new OTLPTraceExporter({ url, headers: authorization === undefined ? {} : { authorization } });
  const batches = { exporter, maxQueueSize: queueMax, scheduledDelayMillis: sendEveryMs };
  // A peer's wish to keep a trace is not ours to pay for: our own share decides there too.
  const share = new sdk.TraceIdRatioBasedSampler(samplePercent / 100);
  return new sdk.TracerProvider({
    sampler: new sdk.ParentBasedSampler({ root: share, remoteParentSampled: share }),
    resource: resourceFromAttributes({
      'service.name': `writ-${role}`,
      'service.version': version,
      'service.instance.id': name,
    }),
    spanProcessors: [new sdk.BatchSpanProcessor(batches)],
  });
}
