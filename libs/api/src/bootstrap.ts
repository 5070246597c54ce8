// From a Nest module to a listening instance and back: the one place where the HTTP server is set up and taken down.
import helmet from '@fastify/helmet';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { WritError } from '#protocol';
import type { DynamicModule, Type } from '@nestjs/common';
import type { FastifyInstance } from 'fastify';
import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import type { AddressInfo } from 'node:net';
import type { Logger } from 'pino';
import { announce, withdraw } from './announce.js';
import { openConsole } from './console/door.js';
import type { ConsoleFiles } from './console/site.js';
import { serveDocs } from './docs/routes.js';
import type { ApiTitle } from './docs/openapi.js';
import { ApiKeys } from './keys/api-keys.js';
import { authenticateRequests } from './keys/authentication.js';
import { Metrics } from './metrics/metrics.js';
import { openMetrics } from './metrics/open.js';
import { countRequests, Refusals } from './metrics/requests.js';
import type { InstanceKey } from './a2a/signature.js';
import { openA2a, type A2aFace } from './a2a/door.js';
import type { Notifier } from './a2a/notifier.js';
import { openMcp } from './mcp/door.js';
import type { McpFace } from './mcp/server.js';
import type { ListSpokes } from './mcp/tool.js';
import { Gateway } from './gateway.js';
import { logRequests, nestLogger, requestId } from './requests/logging.js';
import { traceRequests } from './requests/tracing.js';
import { Streams } from './streams/streams.js';
import { SessionCookie } from './sign-in/cookie.js';
import { Sessions } from './sign-in/sessions.js';

export interface ServeOptions extends ApiTitle {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly logger: Logger;
  /** Where `instance.json` and the first key go, and under which name. */
  readonly instance: { readonly stateDir: string; readonly role: 'hub' | 'spoke'; readonly name: string };
  /** An admin key made with `writ keys generate`, instead of one made and printed at the first start. */
  readonly adminKey?: string;
  readonly bodyBytesMax?: number;
  readonly requestsPerMinuteMax?: number;
  /** Where `/metrics` is shown without a key, on 127.0.0.1 alone; nowhere by default. */
  readonly metricsPort?: number;
  /**
   * Called once before the application listens: the last moment for routes beside the resources (those with
   * `config.public` take no key) and for connecting microservices with guards.
   */
  readonly prepare?: (app: NestFastifyApplication, http: FastifyInstance) => void;
  /** On a hub: its spokes as REST lists them, for the tool `list_spokes`. */
  readonly spokes?: ListSpokes;
  /** On a hub: A2A, with where it is reached from outside, what signs its cards, and who sends its push notifications. */
  readonly a2a?: { readonly url: () => string; readonly key: () => InstanceKey; readonly notifier?: Notifier };
  /** Where the files of the web console are; without it there is none. */
  readonly consoleFiles?: ConsoleFiles;
  /** How long the end may take in all; after it the process does not wait any more. */
  readonly shutdownMs?: number;
}

export interface Served {
  readonly app: NestFastifyApplication;
  readonly url: string;
  /** Made at this start: to be shown once. */
  readonly firstKey?: string;
  /** Stops accepting, ends the event streams with their marker, runs the shutdown hooks. Idempotent; never longer than `shutdownMs`. */
  close(): Promise<void>;
}

/** Listens when this resolves. @throws WritError `bind_refused`, `key_invalid`. */
export async function serve(module: Type | DynamicModule, options: ServeOptions): Promise<Served> {
  const app = await createApp(module, options);
  const openings: (() => void)[] = [];
  try {
    const firstKey = await admit(app.get(ApiKeys), options);
    await app.listen(options.port, options.host);
    const url = urlOf(app, options.host);
    if (options.metricsPort !== undefined) openings.push(await openMetrics(options.metricsPort, app.get(Metrics)));
    announce(options.instance.stateDir, { url, ...named(options), pid: process.pid }, firstKey);
    return { app, url, firstKey, close: closing(app, options, openings) };
  } catch (error) {
    await app.close();
    throw error;
  }
}

const named = ({ instance: { role, name } }: ServeOptions) => ({ role, name });

async function createApp(module: Type | DynamicModule, options: ServeOptions): Promise<NestFastifyApplication> {
  const { logger, bodyBytesMax = 2 ** 20, requestsPerMinuteMax = 6_000 } = options;
  const adapter = new FastifyAdapter({
    trustProxy: false,
    bodyLimit: bodyBytesMax,
    requestTimeout: 60_000,
    genReqId: (request: IncomingMessage) => requestId(request.headers),
  });
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest declares its options as a class that nobody makes instances of
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, {
    logger: nestLogger(logger),
    bodyParser: false,
    forceCloseConnections: true,
    abortOnError: false,
  });
  const http = adapter.getInstance<FastifyInstance>();
  http.removeContentTypeParser('text/plain');
  await http.register(helmet, {
    contentSecurityPolicy: { useDefaults: false, directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] } },
  });
  traceRequests(http);
  logRequests(http, logger);
  countRequests(http, app.get(Metrics));
  const doors = { keys: app.get(ApiKeys), sessions: app.get(Sessions), cookie: app.get(SessionCookie) };
  await authenticateRequests(http, doors, { requestsPerMinuteMax });
  options.prepare?.(app, http);
  openMcp(http, mcpFace(app, options));
  if (options.a2a) openA2a(http, { ...options.a2a, ...a2aFace(app, options) });
  serveDocs(app, http, options);
  if (options.consoleFiles) openConsole(http, options.consoleFiles);
  return app;
}

function mcpFace(app: NestFastifyApplication, { title, spokes }: ServeOptions): McpFace {
  const refusals = app.get(Refusals);
  return {
    gateway: app.get(Gateway, { strict: false }),
    name: title,
    spokes,
    refused: (code) => refusals.add('mcp', code),
  };
}

function a2aFace(app: NestFastifyApplication, { title }: ServeOptions): Omit<A2aFace, 'url' | 'key' | 'notifier'> {
  const refusals = app.get(Refusals);
  return {
    gateway: app.get(Gateway, { strict: false }),
    streams: app.get(Streams, { strict: false }),
    name: title,
    refused: (code) => refusals.add('a2a', code),
  };
}

/** [O-5] beyond loopback only with keys that somebody has already got. */
async function admit(keys: ApiKeys, { host, adminKey }: ServeOptions): Promise<string | undefined> {
  const keyless = adminKey === undefined && (await keys.list()).length === 0;
  if (keyless && !isLoopback(host)) {
    const detail = `There is no API key yet, and ${host} is not loopback. Start once on 127.0.0.1, or set WRIT_ADMIN_KEY to a key made with \`writ keys generate\`.`;
    throw new WritError('bind_refused', detail, { field: 'host' });
  }
  return (await keys.first(adminKey))?.key;
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
}

function urlOf(app: NestFastifyApplication, host: string): string {
  const { port } = app.getHttpServer().address() as AddressInfo;
  const anywhere = host === '0.0.0.0' || host === '::';
  const name = anywhere ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${port}`;
}

function closing(
  app: NestFastifyApplication,
  { instance, logger, shutdownMs = 15_000 }: ServeOptions,
  openings: readonly (() => void)[],
): () => Promise<void> {
  let closed: Promise<void> | undefined;
  const close = async () => {
    withdraw(instance.stateDir, process.pid);
    for (const end of openings) end();
    app.getHttpServer().close();
    const limit = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => limit.resolve('late'), shutdownMs);
    const outcome = await Promise.race([app.close(), limit.promise]).finally(() => clearTimeout(timer));
    if (outcome === 'late') logger.error({ shutdownMs }, 'shutdown took too long and was cut short');
  };
  return () => (closed ??= close());
}

/** SIGTERM and SIGINT close the instance and end the process; a second signal ends it at once. */
export function closeOnSignals(served: Pick<Served, 'close'>, logger: Logger): void {
  let asked = false;
  const end = (signal: NodeJS.Signals) => {
    if (asked) process.exit(1);
    asked = true;
    logger.info({ signal }, 'closing');
    served.close().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'closing failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', end).on('SIGINT', end);
}
