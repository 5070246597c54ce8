// Peer `a2a-js`: `message/send` of the A2A SDK over JSON-RPC, to an executor that completes at once. Its handler sits in Fastify.
import { randomUUID } from 'node:crypto';
import { Role, TaskState, type AgentCard, type SendMessageRequest } from '@a2a-js/sdk';
import { ClientFactory } from '@a2a-js/sdk/client';
import {
  AgentEvent,
  DefaultRequestHandler,
  InMemoryTaskStore,
  JsonRpcTransportHandler,
  ServerCallContext,
  type AgentExecutor,
} from '@a2a-js/sdk/server';
import fastify from 'fastify';
import { answer, question, type BenchPair } from './peer.js';

const executor: AgentExecutor = {
  async execute({ taskId, contextId }, bus) {
    const status = { state: TaskState.TASK_STATE_COMPLETED, message: undefined, timestamp: new Date().toISOString() };
    bus.publish(AgentEvent.task({ id: taskId, contextId, status, artifacts: [], history: [], metadata: answer }));
    bus.finished();
  },
  async cancelTask() {},
};

function card(url: string): AgentCard {
  return {
    name: 'status',
    description: 'Answers at once.',
    version: '1.0.0',
    provider: undefined,
    supportedInterfaces: [{ url, protocolBinding: 'JSONRPC', tenant: '', protocolVersion: '1.0' }],
    capabilities: { streaming: false, pushNotifications: false, extensions: [] },
    securitySchemes: {},
    securityRequirements: [],
    defaultInputModes: ['text/plain'],
    defaultOutputModes: ['text/plain'],
    skills: [],
    signatures: [],
  };
}

function message(): SendMessageRequest {
  const part = {
    content: { $case: 'text', value: JSON.stringify(question) },
    metadata: undefined,
    filename: '',
    mediaType: 'text/plain',
  } as const;
  const message = {
    messageId: randomUUID(),
    contextId: '',
    taskId: '',
    role: Role.ROLE_USER,
    parts: [part],
    metadata: undefined,
    extensions: [],
    referenceTaskIds: [],
  };
  return { tenant: '', message, configuration: undefined, metadata: undefined };
}

export const a2a: BenchPair = {
  name: 'a2a-js',
  async serve() {
    const app = fastify();
    const handler = new JsonRpcTransportHandler(
      new DefaultRequestHandler(card('http://127.0.0.1/'), new InMemoryTaskStore(), executor),
    );
    app.post('/', async (request) =>
      handler.handle(request.body as Record<string, unknown>, new ServerCallContext({ requestedVersion: '1.0' })),
    );
    return { address: await app.listen({ port: 0, host: '127.0.0.1' }) };
  },
  async connect(address) {
    const client = await new ClientFactory().createFromAgentCard(card(address as string));
    return async () => {
      const result = await client.sendMessage(message());
      if (!('status' in result)) throw new Error('the A2A server answered without a task');
    };
  },
};
