// MCP over real HTTP with the official client: the same answers and the same refusals as REST gives.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { caller } from '../../../../test/support/call.js';
import { startTinyApi, type TinyApi } from '../../../../test/support/tiny-api.js';

let api: TinyApi;
let client: Client;
const keys = { viewer: '', operator: '' };
const open: Client[] = [];

const job = {
  taskId: 'task-1',
  agentType: 'worker',
  context: { repository: 'https://example.org/repo.git', branch: 'main', workItems: ['mend the sum'] },
};
const nobody = '00000000-0000-8000-8000-00000000000a';

async function enter(key: string, versions?: string[]): Promise<Client> {
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  const client = new Client({ name: 'test', version: '1' }, versions && { supportedProtocolVersions: versions });
  await client.connect(new StreamableHTTPClientTransport(new URL('/mcp', api.url), { requestInit }));
  open.push(client);
  return client;
}

const use = (name: string, args: object, as = client) => as.callTool({ name, arguments: { ...args } });
const spawned = async (args: object = {}) =>
  (await use('spawn_agent', { ...job, ...args })).structuredContent as { agentId: string };
const rest = (key = api.adminKey) => caller(api.url, key);

beforeAll(async () => {
  api = await startTinyApi({ requestsPerMinuteMax: 150 });
  for (const role of ['viewer', 'operator'] as const)
    keys[role] = ((await rest()('POST', '/v1/keys', { name: role, role })).json() as { key: string }).key;
  client = await enter(keys.operator);
});
afterAll(async () => {
  await Promise.all(open.map((client) => client.close()));
  await api[Symbol.asyncDispose]();
});

describe('MCP', () => {
  test('lists its tools with the shapes of their arguments, and which of them change something', async () => {
    const { tools } = await client.listTools();
    const names = tools.map(({ name }) => name);
    expect(names).toEqual(['spawn_agent', 'agent_status', 'agent_output', 'agent_diff', 'kill_agent']);
    const [spawn] = tools;
    expect(spawn?.inputSchema).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['taskId', 'context']),
    });
    const reading = tools.filter(({ annotations }) => annotations?.readOnlyHint).map(({ name }) => name);
    expect(reading).toEqual(['agent_status', 'agent_output', 'agent_diff']);
    expect(tools.at(-1)?.annotations).toMatchObject({ destructiveHint: true, idempotentHint: true });
    expect(tools.find(({ name }) => name === 'spawn_agent')?.annotations).not.toHaveProperty('idempotentHint', true);
  });

  test('gives the agent that REST shows, for its whole life', async () => {
    const { agentId } = await spawned();
    const shown = async () => (await rest()('GET', `/v1/agents/${agentId}`)).json();
    expect((await use('agent_status', { agentId })).structuredContent).toEqual(await shown());
    api.gateway.say(agentId, 'hello\n');
    expect((await use('agent_output', { agentId })).structuredContent).toMatchObject({ text: 'hello\n', cursor: '6' });
    expect((await use('agent_output', { agentId, cursor: '6' })).structuredContent).toMatchObject({ text: '' });
    const diff = (await rest()('GET', `/v1/agents/${agentId}/diff`)).json();
    expect((await use('agent_diff', { agentId })).structuredContent).toEqual(diff);
    const killed = await use('kill_agent', { agentId, reason: 'enough' });
    expect(killed.structuredContent).toMatchObject({ report: { killed: [agentId], survivors: 0 }, pending: [] });
    expect(await shown()).toMatchObject({ state: 'killed', reason: 'enough' });
    expect(api.gateway.callers.at(-1)).toMatchObject({ role: 'operator', actor: { kind: 'key' } });
  });

  test('[S-8] the same idempotency key gives the same agent', async () => {
    const [first, second] = [await spawned({ idempotencyKey: 'one' }), await spawned({ idempotencyKey: 'one' })];
    expect(second).toEqual(first);
  });

  test('waits for the end of an agent, and tells meanwhile how far it is', async () => {
    const { agentId } = await spawned();
    const told: unknown[] = [];
    const waited = client.callTool(
      { name: 'agent_status', arguments: { agentId, waitS: 60 } },
      {
        onprogress: ({ message }) => {
          told.push(message);
          if (told.length === 1) api.gateway.end(agentId);
        },
      },
    );
    expect((await waited).structuredContent).toMatchObject({ agentId, state: 'completed' });
    expect(told).toEqual(['running, turn 0', 'completed, turn 0']);
  });

  test('shows output and diff as resources', async () => {
    const { agentId } = await spawned();
    api.gateway.say(agentId, 'as a resource\n');
    const read = async (name: string) =>
      (await client.readResource({ uri: `writ://agents/${agentId}/${name}` })).contents;
    expect(await read('output')).toMatchObject([{ mimeType: 'text/plain', text: 'as a resource\n' }]);
    expect(await read('diff')).toMatchObject([{ mimeType: 'text/x-diff', text: expect.stringContaining('+a + b') }]);
    await expect(client.readResource({ uri: `writ://agents/${nobody}/diff` })).rejects.toThrow('not_found: ');
    await expect(client.readResource({ uri: 'writ://agents/..%2f..%2fetc/diff' })).rejects.toThrow('invalid_request');
  });

  test('is spoken in its versions before this one as well', async () => {
    const older = await enter(keys.operator, ['2025-06-18']);
    expect(older.getServerVersion()).toMatchObject({ name: 'Tiny' });
    expect((await use('agent_status', { agentId: nobody }, older)).isError).toBe(true);
  });

  describe('refuses as REST does', () => {
    // What REST and A2A refuse in the same words stands in ../faces.spec.ts.
    test('whoever has no key', async () => {
      await expect(enter('nobody')).rejects.toThrow();
      const { status, headers } = await caller(api.url, '')('POST', '/mcp', {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/list',
      });
      expect([status, headers['www-authenticate']]).toEqual([401, 'Bearer']);
    });

    test('[K-9] too many calls, but never a kill', async () => {
      const { agentId } = await spawned();
      const many = await Promise.all(
        Array.from({ length: 160 }, () =>
          rest(keys.operator)('POST', '/mcp', { jsonrpc: '2.0', id: 1, method: 'ping' }),
        ),
      );
      const limited = many.filter(({ status }) => status === 429);
      expect(limited.length).toBeGreaterThan(0);
      expect(limited[0]?.json()).toMatchObject({ code: 'rate_limited' });
      await expect(use('agent_status', { agentId })).rejects.toThrow();
      expect((await use('kill_agent', { agentId, reason: 'stop' })).structuredContent).toMatchObject({
        report: { killed: [agentId] },
      });
    });
  });
});
