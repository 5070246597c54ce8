// HTTP+JSON as A2A binds it: the operations by paths, params in path, query or body, errors as `google.rpc.Status`.
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Streams } from '../streams/streams.js';
import { told, type Told } from './errors.js';
import type { OperationName } from './operations.js';
import type { Answered } from './operation.js';

type Face = { readonly streams: Streams; readonly refused: (code: string) => void };

/** An operation with what a request says to it; undefined where there is none. */
type Call = { readonly name: OperationName; readonly params: unknown } | undefined;
type Read = (request: FastifyRequest) => Call;

const bodyOf = ({ body }: FastifyRequest) => (typeof body === 'object' && body !== null ? body : {});
const inPath = ({ params }: FastifyRequest) => params as Readonly<Record<string, string>>;

const verbs: Readonly<Record<string, OperationName>> = { cancel: 'CancelTask', subscribe: 'SubscribeToTask' };

/** `/tasks/ID:cancel`: the verb stands behind the last colon. */
function byVerb(request: FastifyRequest): Call {
  const { task = '' } = inPath(request);
  const at = task.lastIndexOf(':');
  const name = at < 0 ? undefined : verbs[task.slice(at + 1)];
  return name && { name, params: { ...bodyOf(request), id: task.slice(0, at) } };
}

function getOrSubscribe(request: FastifyRequest): Call {
  const { task } = inPath(request);
  const call = byVerb(request);
  if (call?.name === 'SubscribeToTask') return call;
  return { name: 'GetTask', params: { ...(request.query as object), id: task } };
}

const ofBody =
  (name: OperationName): Read =>
  (request) => ({ name, params: request.body ?? {} });
const ofPath =
  (name: OperationName): Read =>
  (request) => ({
    name,
    params: {
      ...(request.query as object),
      ...bodyOf(request),
      taskId: inPath(request).task,
      id: inPath(request).config,
    },
  });
const ofQuery =
  (name: OperationName): Read =>
  (request) => ({ name, params: request.query });

function createPush(request: FastifyRequest): Call {
  const params = { ...bodyOf(request), taskId: inPath(request).task };
  return { name: 'CreateTaskPushNotificationConfig', params };
}

const configs = '/tasks/:task/pushNotificationConfigs';

/** A colon of its own is written twice. */
export const routes: readonly (readonly [method: 'GET' | 'POST' | 'DELETE', path: string, read: Read])[] = [
  ['POST', '/message::send', ofBody('SendMessage')],
  ['POST', '/message::stream', ofBody('SendStreamingMessage')],
  ['GET', '/tasks', ofQuery('ListTasks')],
  ['GET', '/tasks/:task', getOrSubscribe],
  ['POST', '/tasks/:task', byVerb],
  ['POST', configs, createPush],
  ['GET', configs, ofPath('ListTaskPushNotificationConfigs')],
  ['GET', `${configs}/:config`, ofPath('GetTaskPushNotificationConfig')],
  ['DELETE', `${configs}/:config`, ofPath('DeleteTaskPushNotificationConfig')],
  ['GET', '/extendedAgentCard', ofQuery('GetExtendedAgentCard')],
];

export function answerRest({ streams }: Face, name: OperationName, answer: Answered, reply: FastifyReply) {
  if ('stream' in answer) return streams.send(reply, answer.stream, streamForm);
  if (name === 'DeleteTaskPushNotificationConfig') return reply.code(204).send();
  return sendJson(reply, answer);
}

export function restErrorOf({ refused }: Face, error: unknown, reply: FastifyReply): unknown {
  const said = told(error);
  refused(said.problem.code);
  const { retryAfterMs, status } = said.problem;
  if (retryAfterMs !== undefined) reply.header('retry-after', Math.ceil(retryAfterMs / 1_000));
  if (status === 401) reply.header('www-authenticate', 'Bearer');
  reply.code(said.status);
  return sendJson(reply, statusOf(said));
}

const streamForm = {
  line: (event: object) => `data: ${JSON.stringify(event)}\n\n`,
  end: (end: { readonly reason: string; readonly error?: unknown }) =>
    end.reason === 'error' ? `event: error\ndata: ${JSON.stringify(statusOf(told(end.error)))}\n\n` : '',
};

function statusOf({ status: code, statusName: status, problem: { detail: message }, details }: Told): object {
  return { error: { code, status, message, details } };
}

/** The type of A2A to whoever takes it, JSON to everybody else. */
function sendJson(reply: FastifyReply, body: object): unknown {
  const accept = reply.request.headers.accept ?? '';
  const type = accept.includes('application/a2a+json') ? 'application/a2a+json' : 'application/json';
  return reply.type(type).serializer(String).send(JSON.stringify(body));
}
