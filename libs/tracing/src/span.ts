// One span around one piece of work, and the way of a trace through a message: a W3C `traceparent`.
// Spans name things by id, type and code; what people and models wrote is never in them.
import { context, propagation, ROOT_CONTEXT, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Context, Span, SpanKind } from '@opentelemetry/api';

export interface SpanDraft {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** What it is part of; what is under way here, by default. */
  readonly within?: Context;
}

const shape = /^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The work's own outcome. An error ends the span with its code, or its class, and goes on. */
export function traced<T>(name: string, draft: SpanDraft, work: (span: Span) => Promise<T>): Promise<T> {
  const { within = context.active(), kind, attributes } = draft;
  const options = { ...(kind === undefined ? {} : { kind }), ...(attributes && { attributes }) };
  return trace.getTracer('writ').startActiveSpan(name, options, within, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      failed(span, error);
      throw error;
    } finally {
      span.end();
    }
  });
}

function failed(span: Span, error: unknown): void {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown };
  const type = typeof code === 'string' ? code : String(name);
  span.setAttribute('error.type', type).setStatus({ code: SpanStatusCode.ERROR });
}

/** What is under way here, for a message to somebody else; nothing when nothing is traced. */
export function traceparent(): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(context.active(), carrier);
  return carrier.traceparent;
}

/** What a message is part of. */
export function contextFrom(parent: string | undefined): Context {
  return parent !== undefined && shape.test(parent)
    ? propagation.extract(ROOT_CONTEXT, { traceparent: parent })
    : ROOT_CONTEXT;
}

/** For log lines: the trace that is under way here. */
export function traceId(): string | undefined {
  return trace.getActiveSpan()?.spanContext().traceId;
}
