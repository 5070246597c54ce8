// What every REST face counts of its own.
import type { FastifyInstance } from 'fastify';
import type { MetricDefinition, Metrics } from './metrics.js';

export const requestMetrics = {
  requests: {
    name: 'writ_requests_total',
    kind: 'counter',
    help: 'Requests over REST that were answered.',
    labels: ['method', 'status'],
  },
  refusals: {
    name: 'writ_refusals_total',
    kind: 'counter',
    help: 'What was refused, over REST (`rest`), over MCP (`mcp`), over A2A (`a2a`) or as a signed command (`command`), by the code of the refusal.',
    labels: ['door', 'code'],
  },
} as const satisfies Record<string, MetricDefinition>;

const methods = new Set(['GET', 'POST', 'PUT', 'DELETE']);

export function countRequests(http: FastifyInstance, metrics: Metrics): void {
  const count = metrics.counter(requestMetrics.requests);
  http.addHook('onResponse', (request, reply, done) => {
    const method = methods.has(request.method) ? request.method : 'other';
    count({ method, status: String(reply.statusCode) });
    done();
  });
}

/** Told by whatever refuses something. */
export class Refusals {
  readonly #count: ReturnType<Metrics['counter']>;

  constructor(metrics: Metrics) {
    this.#count = metrics.counter(requestMetrics.refusals);
  }

  add(door: 'rest' | 'mcp' | 'a2a' | 'command', code: string): void {
    this.#count({ door, code });
  }
}
