// JSON-RPC 2.0 as A2A binds it: one endpoint, the operation in `method`, streams as server-sent events.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Streams } from '../streams/streams.js';
import { told } from './errors.js';
import { operations, perform, type OperationName } from './operations.js';
import type { Asking, Answered } from './operation.js';

type Id = string | number | null;
type Face = { readonly streams: Streams; readonly refused: (code: string) => void };

/** What is no JSON, no request, or no method. */
const faults = {
  parse: { code: -32_700, message: 'The body is not JSON.' },
  request: { code: -32_600, message: 'The body is not one JSON-RPC 2.0 request.' },
  method: { code: -32_601, message: 'There is no such method.' },
} as const;

export const methodOf = (body: unknown): unknown => (body as { method?: unknown } | null | undefined)?.method;

export function isOperation(name: unknown): name is OperationName {
  return typeof name === 'string' && Object.hasOwn(operations, name);
}

export async function answerRpc(face: Face, asking: Asking, body: unknown, reply: FastifyReply): Promise<unknown> {
  const { jsonrpc, id, method, params = {} } = (body ?? {}) as Record<string, unknown>;
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !isId(id)) return refuse(reply, null, faults.request);
  if (!isOperation(method)) return refuse(reply, id ?? null, faults.method);
  try {
    await sendAnswer(face, id ?? null, method, await perform(method, asking, params), reply);
  } catch (error) {
    rpcError(face, error, id ?? null, reply);
  }
  return reply;
}

/** A body that could not be read has no id. */
export function rpcErrorOf(face: Face, error: unknown, { body }: FastifyRequest, reply: FastifyReply): unknown {
  if ((error as Error).cause instanceof SyntaxError) return refuse(reply, null, faults.parse);
  const { id } = (body ?? {}) as Record<string, unknown>;
  const { problem, status } = told(error);
  reply.code(status);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  return rpcError(face, error, isId(id) ? (id ?? null) : null, reply);
}

function sendAnswer({ streams }: Face, id: Id, method: OperationName, answer: Answered, reply: FastifyReply) {
  if (!('stream' in answer)) return reply.send({ jsonrpc: '2.0', id, result: resultOf(method, answer) });
  const line = (body: object) => `data: ${JSON.stringify({ jsonrpc: '2.0', id, ...body })}\n\n`;
  return streams.send(reply, answer.stream, {
    line: (result) => line({ result }),
    end: (end) => (end.reason === 'error' ? line({ error: errorOf(end.error) }) : ''),
  });
}

/** Nothing is what a deletion gives. */
function resultOf(method: OperationName, answer: object): object | null {
  return method === 'DeleteTaskPushNotificationConfig' ? null : answer;
}

function rpcError({ refused }: Face, error: unknown, id: Id, reply: FastifyReply): unknown {
  refused(told(error).problem.code);
  return refuse(reply, id, errorOf(error));
}

function errorOf(error: unknown) {
  const { rpc: code, problem, details: data } = told(error);
  return { code, message: problem.detail, data };
}

function refuse(reply: FastifyReply, id: Id, error: object): unknown {
  return reply.send({ jsonrpc: '2.0', id, error });
}

function isId(id: unknown): id is Id | undefined {
  return id === undefined || id === null || typeof id === 'string' || Number.isInteger(id);
}
