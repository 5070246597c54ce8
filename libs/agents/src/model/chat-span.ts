// A span over one paid request to the model, from before it is sent until it is settled, in the words of OpenTelemetry for GenAI.
import { context, SpanKind, SpanStatusCode, trace, type Context } from '@opentelemetry/api';
import { noUsage, type Usage } from '#protocol';

/**
 * Begins it; the returned function ends it with what the request cost. A program in a sandbox asks from outside the agent's
 * run: then the span is part of `within`.
 */
export function chatSpan(model: string, within: Context): (usage: Usage) => void {
  const parent = trace.getActiveSpan() ? context.active() : within;
  const attributes = { 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': model };
  const span = trace.getTracer('writ').startSpan(`chat ${model}`, { kind: SpanKind.CLIENT, attributes }, parent);
  return (usage) => {
    if (usage === noUsage) span.setStatus({ code: SpanStatusCode.ERROR });
    span.setAttribute('gen_ai.usage.input_tokens', usage.inputTokens);
    span.setAttribute('gen_ai.usage.output_tokens', usage.outputTokens);
    span.end();
  };
}
