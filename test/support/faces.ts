// The same question at each face of an instance: REST, MCP, and A2A in both bindings. What comes back has one form, so that it can be
// compared.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { A2aCaller, bindings, type Answered, type SeenTask } from './a2a.js';
import { caller } from './call.js';

/** What is asked: a spawn by the body of REST with a key of its own, a look, or a kill. */
export type Question =
  | { readonly spawn: Readonly<Record<string, unknown>>; readonly idempotencyKey: string }
  | { readonly look: string }
  | { readonly kill: string; readonly reason: string };

interface Refusal {
  readonly code: string;
  readonly detail: string;
  readonly next: string;
  readonly field?: string;
}

/** The agent, or why not. */
export type Answer = { readonly agent: Readonly<Record<string, unknown>> } | { readonly refusal: Refusal };

export interface Face {
  readonly name: string;
  readonly ask: (question: Question) => Promise<Answer>;
  readonly close: () => Promise<void>;
}

export async function facesOf(url: string, key: string): Promise<readonly Face[]> {
  return [restFace(url, key), await mcpFace(url, key), ...bindings.map((binding) => a2aFace(url, binding, key))];
}

/** What each face says to somebody without a key, before it looks at anything. */
export async function strangers(url: string): Promise<readonly string[]> {
  const problems = await Promise.all([
    caller(url)('GET', '/v1/agents'),
    caller(url)('POST', '/mcp', { jsonrpc: '2.0', id: 1, method: 'tools/list' }),
  ]);
  const told = await Promise.all(
    bindings.map((one) => new A2aCaller(`${url}/a2a`, one, undefined).ask('ListTasks', {})),
  );
  const codes = told.map(({ status, error }) => `${status} ${error?.info.metadata?.code}`);
  return [...problems.map((answer) => `${answer.status} ${(answer.json() as Refusal).code}`), ...codes];
}

const refused = ({ code, detail, next, field }: Refusal): Answer => {
  return { refusal: { code, detail, next, ...(field !== undefined && { field }) } };
};

function restFace(url: string, key: string): Face {
  const call = caller(url, key);
  const send = (question: Question) => {
    if ('look' in question) return call('GET', `/v1/agents/${question.look}`);
    if ('kill' in question) return call('POST', `/v1/agents/${question.kill}/kill`, { reason: question.reason });
    return call('POST', '/v1/agents', question.spawn, {
      'idempotency-key': question.idempotencyKey,
      prefer: 'wait=30',
    });
  };
  const ask = async (question: Question): Promise<Answer> => {
    const answer = await send(question);
    if (answer.status >= 400) return refused(answer.json() as Refusal);
    const agent = 'kill' in question ? (await call('GET', `/v1/agents/${question.kill}`)).json() : answer.json();
    return { agent: agent as Record<string, unknown> };
  };
  return { name: 'REST', ask, close: () => Promise.resolve() };
}

async function mcpFace(url: string, key: string): Promise<Face> {
  const client = new Client({ name: 'test', version: '1' });
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', url), { requestInit }));
  const use = (name: string, args: object) => client.callTool({ name, arguments: { ...args } });
  const send = (question: Question) => {
    if ('look' in question) return use('agent_status', { agentId: question.look });
    if ('kill' in question) return use('kill_agent', { agentId: question.kill, reason: question.reason });
    return use('spawn_agent', { ...question.spawn, idempotencyKey: question.idempotencyKey, waitS: 30 });
  };
  const ask = async (question: Question): Promise<Answer> => {
    const { isError, structuredContent } = await send(question);
    if (isError) return refused(structuredContent as Refusal);
    const seen = 'kill' in question ? await use('agent_status', { agentId: question.kill }) : { structuredContent };
    return { agent: seen.structuredContent as Record<string, unknown> };
  };
  return { name: 'MCP', ask, close: () => client.close() };
}

function a2aFace(url: string, binding: (typeof bindings)[number], key: string): Face {
  const a2a = new A2aCaller(`${url}/a2a`, binding, key);
  const send = (question: Question): Promise<Answered> => {
    if ('look' in question) return a2a.ask('GetTask', { id: question.look });
    if ('kill' in question) return a2a.ask('CancelTask', { id: question.kill });
    const { taskId, ...rest } = question.spawn;
    const about = { messageId: question.idempotencyKey, contextId: taskId, role: 'ROLE_USER', parts: [{ data: rest }] };
    return a2a.ask('SendMessage', { message: about, configuration: { returnImmediately: true } });
  };
  const ask = async (question: Question): Promise<Answer> => {
    const { result, error } = await send(question);
    if (error) return refused({ detail: error.message, ...error.info.metadata } as unknown as Refusal);
    const { metadata } = (result.task ?? result) as SeenTask;
    return { agent: metadata.writ };
  };
  return { name: `A2A, ${binding}`, ask, close: () => Promise.resolve() };
}
