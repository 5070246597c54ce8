// Where A2A is spoken: at `/a2a` for the whole instance and at `/a2a/TYPE` for each type of agent, in both bindings, under the keys and
// limits of REST.
import { agentTypes, WritError, type AgentType } from '#protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller, Gateway } from '../gateway.js';
import { refuseExcess } from '../keys/authentication.js';
import type { Streams } from '../streams/streams.js';
import { serveCards, type CardFace } from './cards.js';
import { refusal } from './errors.js';
import type { Notifier } from './notifier.js';
import { operations, perform, type OperationName } from './operations.js';
import type { Asking, Operation } from './operation.js';
import { answerRest, restErrorOf, routes } from './rest.js';
import { answerRpc, isOperation, methodOf, rpcErrorOf } from './rpc.js';

export interface A2aFace extends CardFace {
  readonly gateway: Gateway;
  readonly streams: Streams;
  readonly notifier?: Notifier | undefined;
  /** Told of every refusal, by its code. */
  readonly refused: (code: string) => void;
}

/** Major and minor; a patch changes nothing between two that talk. */
const versions: readonly string[] = ['1.0'];
const unlimited = { unlimited: true };
const types = ['application/json', 'application/a2a+json'];

export function openA2a(http: FastifyInstance, face: A2aFace): void {
  serveCards(http, face);
  for (const agentType of [undefined, ...agentTypes]) {
    const prefix = agentType === undefined ? '/a2a' : `/a2a/${agentType}`;
    void http.register((scope, _options, done) => openRpc(scope, prefix, agentType, face, done));
    void http.register((scope, _options, done) => openRest(scope, prefix, agentType, face, done));
  }
}

function openRpc(scope: FastifyInstance, url: string, type: AgentType | undefined, face: A2aFace, done: () => void) {
  readJson(scope);
  scope.setErrorHandler((error, request, reply) => rpcErrorOf(face, error, request, reply));
  scope.post(url, { config: unlimited }, async (request, reply) => {
    const method = methodOf(request.body);
    await admit(request, isOperation(method) ? method : undefined);
    return answerRpc(face, askingOf(face, type, request, reply), request.body, reply);
  });
  done();
}

function openRest(
  scope: FastifyInstance,
  prefix: string,
  type: AgentType | undefined,
  face: A2aFace,
  done: () => void,
) {
  readJson(scope);
  scope.setErrorHandler((error, _request, reply) => restErrorOf(face, error, reply));
  for (const [method, path, read] of routes)
    scope.route({
      ...{ method, url: `${prefix}${path}`, config: unlimited },
      handler: async (request, reply) => {
        const call = read(request);
        await admit(request, call?.name);
        if (!call) throw refusal('UNSUPPORTED_OPERATION', 'operation_unknown', 'There is no such operation.');
        const answer = await perform(call.name, askingOf(face, type, request, reply), call.params);
        return answerRest(face, call.name, answer, reply);
      },
    });
  done();
}

/** @throws WritError `rate_limited`, except for a kill; A2aError for a version that is not spoken */
async function admit(request: FastifyRequest, name: OperationName | undefined): Promise<void> {
  const { isUnlimited }: Partial<Operation> = name === undefined ? {} : operations[name];
  if (!isUnlimited) await refuseExcess(request);
  const { 'A2A-Version': asked } = request.query as { readonly 'A2A-Version'?: string | string[] };
  const given = String(request.headers['a2a-version'] ?? asked ?? '') || '0.3';
  const [, version = ''] = /^(\d{1,3}\.\d{1,3})(\.\d{1,5})?$/.exec(given.trim()) ?? [];
  if (versions.includes(version)) return;
  const detail = `A2A ${given.slice(0, 20)} is not spoken here, but ${versions.join(', ')}. Say it in the header A2A-Version.`;
  throw refusal('VERSION_NOT_SUPPORTED', 'invalid_request', detail, 'A2A-Version');
}

function askingOf(
  { gateway, notifier }: A2aFace,
  agentType: AgentType | undefined,
  { caller }: FastifyRequest,
  { raw }: FastifyReply,
): Asking {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  return { gateway, notifier, agentType, caller: known(caller), signal: gone.signal };
}

/** @throws WritError `unauthenticated` */
function known(caller: Caller | undefined): Caller {
  if (caller) return caller;
  throw new WritError('unauthenticated', 'This needs an API key.');
}

/** Clients say `application/json` of a body that is not there. */
function readJson(scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(types, { parseAs: 'string' }, (_request, body, parsed) => {
    try {
      parsed(null, body === '' ? undefined : JSON.parse(String(body)));
    } catch (cause) {
      parsed(new WritError('invalid_request', 'body: it is not JSON.', { field: 'body', cause }));
    }
  });
}
