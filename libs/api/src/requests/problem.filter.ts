// The one way an error leaves over REST: RFC 9457 problem details. What is no error of ours leaves without its text.
import { randomUUID } from 'node:crypto';
import { Catch, HttpException, Inject } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import { problemOf, WritError } from '#protocol';
import type { ErrorCode, Problem } from '#protocol';
import { StoreError } from '#store';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Refusals } from '../metrics/requests.js';
import { LOGGER } from './logging.js';

const ofStatus: Readonly<Record<number, ErrorCode>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not_found',
  413: 'too_large',
  429: 'rate_limited',
};

const ofFastify: Readonly<Record<string, string>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'content-type: send JSON as `application/json`.',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body: it is larger than this instance takes.',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'body: it is empty; send a JSON object.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'content-length: it is not the length of the body.',
};

function fromStore(error: StoreError): WritError {
  const code = error.code === 'invalid' ? 'internal' : error.code;
  return new WritError(code, code === 'internal' ? 'The request could not be finished.' : error.detail, {
    cause: error,
  });
}

/** Errors of Fastify and Nest below 500 are the caller's: they keep their status and get a sentence of ours. */
function fromFramework(error: unknown): Problem | undefined {
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown };
  const status = error instanceof HttpException ? error.getStatus() : statusCode;
  if (typeof status !== 'number' || status < 400 || status > 499) return undefined;
  const detail =
    ofFastify[String(code)] ??
    (status === 404 ? 'There is no such resource.' : 'body: it is not JSON as this API takes it.');
  const field = /^([a-z-]+): /.exec(detail)?.[1];
  return { ...problemOf(new WritError(ofStatus[status] ?? 'invalid_request', detail, { field })), status };
}

/** What every face tells of it. */
export function problemFor(error: unknown): Problem {
  if (error instanceof WritError) return problemOf(error);
  if (error instanceof StoreError) return problemOf(fromStore(error));
  return fromFramework(error) ?? problemOf(error);
}

@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly refusals: Refusals,
  ) {}

  catch(error: unknown, host: ArgumentsHost): void {
    if (host.getType() !== 'http') throw error;
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const instance = `urn:uuid:${request.id || randomUUID()}`;
    const problem = { ...problemFor(error), instance };
    this.refusals.add('rest', problem.code);
    if (problem.status >= 500) this.logger.error({ err: error, instance, code: problem.code }, 'request failed');
    if (!reply.sent) answer(reply, problem);
  }
}

function answer(reply: FastifyReply, problem: Problem): void {
  if (problem.retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(problem.retryAfterMs / 1_000));
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  reply.code(problem.status).type('application/problem+json').serializer(String).send(JSON.stringify(problem));
}
