// The figures without a key, on a port of loopback alone: for a Prometheus on the same machine, if the admin says so.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { WritError } from '#protocol';
import type { Metrics } from './metrics.js';

/** What a page in a browser cannot pretend: the name under which it found us. */
const ownNames = /^(127\.0\.0\.1|localhost)(:\d+)?$/;
const connectionsMax = 16;

/** Returns how it ends. @throws WritError `bind_refused` */
export async function openMetrics(port: number, metrics: Metrics): Promise<() => void> {
  const server = createServer({ requestTimeout: 10_000 }, (request, response) => {
    const isOurs = request.method === 'GET' && request.url === '/metrics' && ownNames.test(request.headers.host ?? '');
    if (!isOurs) return void response.writeHead(404).end();
    metrics.text().then(
      (text) => response.writeHead(200, { 'content-type': metrics.contentType }).end(text),
      () => response.writeHead(500).end(),
    );
  });
  server.maxConnections = connectionsMax;
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch (cause) {
    throw new WritError('bind_refused', `Port ${port} of loopback cannot be had for metrics.`, {
      field: 'metricsPort',
      cause,
    });
  }
  return () => {
    server.close();
    server.closeAllConnections();
  };
}
