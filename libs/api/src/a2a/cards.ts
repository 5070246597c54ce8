// Agent cards: one for the instance and one for each type of agent, public and signed. They say nothing of partners.
import { createHash } from 'node:crypto';
import { agentTypes, type AgentType } from '#protocol';
import type { FastifyInstance } from 'fastify';
import { version } from '../version.js';
import { inputModes } from './messages.js';
import { signed, type InstanceKey } from './signature.js';

export interface CardFace {
  readonly name: string;
  /** Where this instance is reached from outside. */
  readonly url: () => string;
  /** The key that signs now, and where its public half is published. */
  readonly key: () => InstanceKey;
  readonly notifier?: object | undefined;
}

const wellKnown = '/.well-known/agent-card.json';
const maxAgeS = 300;

const skills = {
  worker: {
    description: 'Changes a repository as the work items say, in a sandbox, on a branch of its own.',
    tags: ['code', 'git', 'change'],
    examples: ['Make the failing test in parser.spec.ts pass.'],
  },
  reviewer: {
    description: 'Reads a branch and reports findings with file, line and severity.',
    tags: ['code', 'git', 'review'],
    examples: ['Look for errors in how sessions are closed.'],
  },
  tester: {
    description: 'Runs what the work items say on a branch, and gives a verdict.',
    tags: ['code', 'git', 'test'],
    examples: ['Run the test suite and say whether it passes.'],
  },
} as const satisfies Record<AgentType, object>;

export function serveCards(http: FastifyInstance, face: CardFace): void {
  serve(http, wellKnown, undefined, face);
  for (const agentType of agentTypes) serve(http, `/a2a/${agentType}${wellKnown}`, agentType, face);
}

function serve(http: FastifyInstance, path: string, agentType: AgentType | undefined, face: CardFace): void {
  http.get(path, { config: { public: true } }, async (request, reply) => {
    const body = JSON.stringify(await signed(cardOf(face, agentType), face.key()));
    const etag = `"${createHash('sha256').update(body).digest('base64url')}"`;
    reply.headers({ etag, 'cache-control': `public, max-age=${maxAgeS}` });
    if (request.headers['if-none-match'] === etag) return reply.code(304).send();
    return reply.type('application/json').serializer(String).send(body);
  });
}

/** No member of it is empty, so that there is one canonical form however defaults are read. */
function cardOf({ name, url, notifier }: CardFace, agentType: AgentType | undefined): object {
  const types = agentType === undefined ? agentTypes : [agentType];
  const where = { url: `${url()}/a2a${agentType === undefined ? '' : `/${agentType}`}`, protocolVersion: '1.0' };
  return {
    name: agentType === undefined ? name : `${name}: ${agentType}`,
    description: agentType === undefined ? 'Agents that work on git repositories.' : skills[agentType].description,
    supportedInterfaces: ['JSONRPC', 'HTTP+JSON'].map((protocolBinding) => ({ ...where, protocolBinding })),
    version,
    capabilities: { streaming: true, pushNotifications: notifier !== undefined, extendedAgentCard: false },
    securitySchemes: {
      key: { httpAuthSecurityScheme: { scheme: 'Bearer', description: 'An API key: `writ keys create`.' } },
    },
    securityRequirements: [{ schemes: { key: { list: ['viewer'] } } }],
    defaultInputModes: inputModes,
    defaultOutputModes: ['application/json', 'text/markdown', 'text/x-diff'],
    skills: types.map((id) => ({ id, name: id, ...skills[id] })),
  };
}
