// A collector of spans: OTLP over HTTP in JSON, as it is written down in OpenTelemetry's specification.
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number | string;
}
interface Attribute {
  readonly key: string;
  readonly value: Value;
}
interface Told {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}
interface OtlpSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes: readonly Attribute[];
}

export interface CollectedSpan extends Omit<OtlpSpan, 'attributes'> {
  readonly service: string;
  readonly attributes: Readonly<Record<string, string | number | undefined>>;
}

export class Collector {
  readonly spans: CollectedSpan[] = [];
  /** Every request as it came: its `Authorization`, and its body. */
  readonly got: { readonly authorization: string | undefined; readonly body: string }[] = [];

  private constructor(private readonly server: Server) {}

  static async open(): Promise<Collector> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const collector = new Collector(server);
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        collector.got.push({ authorization: request.headers.authorization, body });
        collector.take(JSON.parse(body) as Told);
        response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
      });
    });
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}/v1/traces`;
  }

  /** What the span is part of, from itself up to the root of its trace. */
  lineage(span: CollectedSpan): string[] {
    const parent = this.spans.find(({ spanId, traceId }) => spanId === span.parentSpanId && traceId === span.traceId);
    return [`${span.service}: ${span.name}`, ...(parent ? this.lineage(parent) : [])];
  }

  private take({ resourceSpans }: Told): void {
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = String(named(resource.attributes)['service.name']);
      const spans = scopeSpans.flatMap((scope) => scope.spans);
      this.spans.push(...spans.map((span) => ({ ...span, service, attributes: named(span.attributes) })));
    }
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

function named(attributes: readonly Attribute[]) {
  const pairs = attributes.map(({ key, value: { stringValue, intValue } }) => [key, stringValue ?? intValue] as const);
  return Object.fromEntries(pairs);
}
