// One line per request, and no key in any line.
import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { LoggerService } from '@nestjs/common';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { traceId } from '#tracing';
import { pino } from 'pino';
import type { DestinationStream, LevelWithSilent, Logger } from 'pino';

/** DI token of the pino logger. */
export const LOGGER = Symbol('writ:logger');

const secretFields = ['authorization', 'key', 'apiKey', 'secret', 'token', 'invite', 'password'];
const redactPaths = secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]);
const secretText = /writ_[a-z2-7]{10}_[A-Za-z0-9_-]{43}|writ1\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{4}|sk-ant-[A-Za-z0-9_-]+/g;

/** JSON lines on standard error. Fields named like secrets are left out, and so is whatever looks like a key, wherever it stands. */
export function createLogger(
  level: LevelWithSilent,
  base: Record<string, string> = {},
  out: DestinationStream = pino.destination(2),
): Logger {
  const redact = { paths: redactPaths, censor: '[redacted]' };
  const hooks = { streamWrite: (line: string) => line.replace(secretText, '[redacted]') };
  const mixin = () => {
    const trace = traceId();
    return trace === undefined ? {} : { trace };
  };
  return pino({ level, base, redact, hooks, mixin, timestamp: pino.stdTimeFunctions.isoTime }, out);
}

/** A caller may bring its own correlation id; anything but a UUID gets a new one. */
export function requestId(headers: IncomingHttpHeaders): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(given) ? given : randomUUID();
}

function lineOf(request: FastifyRequest, status: number, ms: number) {
  const { method, id, caller } = request;
  const path = request.url.split('?', 1)[0]?.slice(0, 300);
  return { method, path, status, ms: Math.round(ms), actor: caller && `key:${caller.actor.id}`, request: id };
}

/** Sets `X-Request-Id` on every answer and logs one line when it has left. Health checks and scrapes are logged at `debug`. */
export function logRequests(http: FastifyInstance, logger: Logger): void {
  http.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  http.addHook('onResponse', (request, reply, done) => {
    const level = /^\/(healthz|readyz|metrics)/.test(request.url) ? 'debug' : 'info';
    logger[level](lineOf(request, reply.statusCode, reply.elapsedTime), 'request');
    done();
  });
}

function text(message: unknown): string {
  if (message instanceof Error) return message.message;
  return typeof message === 'string' ? message : JSON.stringify(message);
}

/** Nest gives an error itself, or its text and its stack. */
function causeOf(message: unknown, stack: unknown) {
  if (message instanceof Error) return { err: message };
  return stack instanceof Error ? { err: stack } : { stack: typeof stack === 'string' ? stack : '' };
}

/** Nest's own lines on the same logger. */
export function nestLogger(logger: Logger): LoggerService {
  return {
    log: (message) => logger.debug(text(message)),
    debug: (message) => logger.debug(text(message)),
    verbose: (message) => logger.trace(text(message)),
    warn: (message) => logger.warn(text(message)),
    error: (message: unknown, stack: unknown) => logger.error(causeOf(message, stack), text(message)),
    fatal: (message) => logger.fatal(text(message)),
  };
}
