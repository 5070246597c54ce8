// Errors as A2A tells them: one table of its kinds, and how our codes stand in it. The code of Writ is in every one.
import { WritError, type ErrorCode, type Problem } from '#protocol';
import { problemFor } from '../requests/problem.filter.js';

const kinds = {
  TASK_NOT_FOUND: { rpc: -32_001, status: 404 },
  TASK_NOT_CANCELABLE: { rpc: -32_002, status: 400 },
  PUSH_NOTIFICATION_NOT_SUPPORTED: { rpc: -32_003, status: 400 },
  UNSUPPORTED_OPERATION: { rpc: -32_004, status: 400 },
  CONTENT_TYPE_NOT_SUPPORTED: { rpc: -32_005, status: 400 },
  VERSION_NOT_SUPPORTED: { rpc: -32_009, status: 400 },
} as const;
type Kind = keyof typeof kinds;

/** A problem of ours that A2A has a name for. */
export class A2aError extends Error {
  constructor(
    readonly kind: Kind,
    readonly of: WritError,
  ) {
    super(of.detail, { cause: of });
  }
}

export function refusal(kind: Kind, code: ErrorCode, detail: string, field?: string): A2aError {
  return new A2aError(kind, new WritError(code, detail, { field }));
}

const kindOf: Partial<Record<ErrorCode, Kind>> = {
  not_found: 'TASK_NOT_FOUND',
  invalid_transition: 'UNSUPPORTED_OPERATION',
};

const mediaKind = 'CONTENT_TYPE_NOT_SUPPORTED';

/** Of `google.rpc.Code`, by the status of HTTP. */
const statusNames: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  422: 'FAILED_PRECONDITION',
  423: 'FAILED_PRECONDITION',
  429: 'RESOURCE_EXHAUSTED',
  500: 'INTERNAL',
  502: 'INTERNAL',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

/** An error as both bindings tell it. */
export interface Told {
  readonly problem: Problem;
  readonly rpc: number;
  readonly status: number;
  readonly statusName: string;
  readonly details: readonly object[];
}

export function told(error: unknown): Told {
  const problem = problemFor(error instanceof A2aError ? error.of : error);
  const kind = error instanceof A2aError ? error.kind : isMediaType(error) ? mediaKind : kindOf[problem.code];
  const { rpc, status } = kind ? kinds[kind] : { rpc: rpcOf(problem), status: problem.status };
  const reason = kind ?? problem.code.toUpperCase();
  const info = { reason, domain: kind ? 'a2a-protocol.org' : 'writ', metadata: metadataOf(problem) };
  const details = [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', ...info }, ...violations(problem)];
  const precondition = status === 400 && kind !== undefined && kind !== mediaKind;
  const fallback = precondition ? 'FAILED_PRECONDITION' : 'INVALID_ARGUMENT';
  return { problem, rpc, status, statusName: statusNames[status] ?? fallback, details };
}

/** Fastify's, for a body that is no JSON by its header. */
function isMediaType(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE';
}

/** Params that are not valid; a fault of this instance; and everything else that is refused here. */
function rpcOf({ code, status }: Problem): number {
  if (code === 'invalid_request') return -32_602;
  return status >= 500 && code === 'internal' ? -32_603 : -32_000;
}

/** Of `google.rpc.ErrorInfo`: text only. */
function metadataOf({ code, next, field, retryAfterMs }: Problem): Readonly<Record<string, string>> {
  const wait = retryAfterMs === undefined ? undefined : String(retryAfterMs);
  const more = Object.entries({ field, retryAfterMs: wait }).filter(([, value]) => value !== undefined);
  return { code, next, ...(Object.fromEntries(more) as Record<string, string>) };
}

function violations({ code, field, detail }: Problem): readonly object[] {
  if (code !== 'invalid_request' || field === undefined) return [];
  return [{ '@type': 'type.googleapis.com/google.rpc.BadRequest', fieldViolations: [{ field, description: detail }] }];
}
