// What headers say: how long to wait, under which idempotency key, from where to go on, and in which form.
import { createParamDecorator } from '@nestjs/common';
import type { ExecutionContext } from '@nestjs/common';
import { eventCursor, idempotencyKey, WritError } from '#protocol';
import type { FastifyRequest } from 'fastify';

const waitMsDefault = 5_000;
const waitMsMax = 60_000;

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function refuse(field: string, detail: string): never {
  throw new WritError('invalid_request', `${field}: ${detail}`, { field });
}

/** RFC 7240: `wait=N` in seconds, 60 at most; `respond-async` waits for nothing; other preferences are ignored. */
function waitMsOf(prefer: string | undefined): number {
  if (prefer === undefined) return waitMsDefault;
  const preferences = prefer.split(/[,;]/).map((part) => part.trim().toLowerCase());
  const wait = preferences.find((part) => /^wait\s*=/.test(part));
  if (wait === undefined) return preferences.includes('respond-async') ? 0 : waitMsDefault;
  const seconds = /^wait\s*=\s*"?(\d{1,9})"?$/.exec(wait)?.[1] ?? refuse('Prefer', 'wait must be whole seconds');
  return Math.min(Number(seconds) * 1_000, waitMsMax);
}

const fromRequest = (read: (request: FastifyRequest) => unknown) =>
  createParamDecorator((_data: unknown, context: ExecutionContext) => {
    return read(context.switchToHttp().getRequest<FastifyRequest>());
  });

/** `Prefer: wait=N` as milliseconds; 5 s by default, 60 s at most. */
export const WaitMs = fromRequest((request) => waitMsOf(header(request, 'prefer')));

/** `Idempotency-Key`, or undefined. */
export const IdempotencyKey = fromRequest((request) => {
  const key = header(request, 'idempotency-key');
  if (key === undefined) return undefined;
  const parsed = idempotencyKey.safeParse(key);
  return parsed.success ? parsed.data : refuse('Idempotency-Key', 'must be 1 to 128 visible ASCII characters');
});

/** `Last-Event-ID`, or undefined. */
export const LastEventId = fromRequest((request) => {
  const id = header(request, 'last-event-id');
  if (id === undefined || id === '') return undefined;
  const parsed = eventCursor.safeParse(id);
  return parsed.success ? parsed.data : refuse('Last-Event-ID', 'must be an id of this stream');
});

/** The version that `If-Match` names (RFC 9110, 13.1.1); undefined for `*`. It has to be there, so that nobody overwrites what they have not seen. */
export const IfMatch = fromRequest((request) => {
  const tag = header(request, 'if-match');
  if (tag === '*') return undefined;
  const version = /^"?(\d{1,15})"?$/.exec(tag ?? '')?.[1];
  return version === undefined
    ? refuse('If-Match', 'name the version that you edited, as in its ETag')
    : Number(version);
});

/** Whether `Accept` asks for text rather than JSON. */
export const WantsText = fromRequest((request) => {
  const accept = header(request, 'accept') ?? '';
  return /text\/(x-diff|x-patch|markdown|plain|\*)/.test(accept) && !accept.includes('application/json');
});
