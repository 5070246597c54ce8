// An agent of somebody's works with agents of Writ: MCP on standard input and output through `writ mcp`, over a hub, on a spoke.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Client } from '@modelcontextprotocol/client';
import type { CallToolResult } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { join } from 'node:path';
import { Federation, type Player } from '../support/federation.js';
import { getInspector, hasInspector, inspect } from '../support/inspector.js';
import { root } from '../support/instance.js';
import { requirement } from '../support/require.js';

const inspected = requirement('the MCP Inspector', hasInspector, `\`${getInspector}\``);
const namesIn = (list: unknown) => (list as { tools: { name: string }[] }).tools.map(({ name }) => name).sort();

let stage: Federation;
let hub: Player;
let client: Client;

const use = async (name: string, args: object) =>
  (await client.callTool({ name, arguments: { ...args } })) as CallToolResult & { structuredContent: never };

async function enter(env: Record<string, string>): Promise<Client> {
  const args = [join(root, 'apps/cli/bin/writ.mjs'), 'mcp'];
  const client = new Client({ name: 'test', version: '1' });
  const own = { PATH: process.env.PATH ?? '', HOME: stage.folder, ...env };
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env: own }));
  return client;
}

beforeAll(async () => {
  stage = await Federation.open();
  const [opened, spoke] = await Promise.all([stage.hub(), stage.spoke('acme')]);
  hub = opened;
  await stage.pair(hub, spoke);
  client = await enter({ WRIT_URL: hub.instance.url, WRIT_API_KEY: hub.instance.key });
}, 120_000);
afterAll(async () => {
  await client.close();
  await stage.close();
}, 120_000);

test('finds a spoke, spawns on it, waits, and reads what was said and changed', async () => {
  const { spokes } = (await use('list_spokes', {})).structuredContent as { spokes: { name: string; state: string }[] };
  expect(spokes).toMatchObject([{ name: 'acme', state: 'active', connected: true }]);
  const job = stage.job('acme', 'echo over mcp; echo more >> README.md; git commit --quiet --all --message more');
  const { agentId } = (await use('spawn_agent', job)).structuredContent as { agentId: string };
  expect((await use('agent_status', { agentId, waitS: 30 })).structuredContent).toMatchObject({ state: 'completed' });
  expect((await use('agent_output', { agentId })).content).toMatchObject([{ text: 'over mcp\n' }]);
  const { contents } = await client.readResource({ uri: `writ://agents/${agentId}/diff` });
  expect(contents).toMatchObject([{ mimeType: 'text/x-diff', text: expect.stringContaining('+more') }]);
}, 120_000);

test('[K-8] a kill answers when nothing lives', async () => {
  const { agentId } = (await use('spawn_agent', stage.job('acme', 'setsid sleep 600 & sleep 600')))
    .structuredContent as {
    agentId: string;
  };
  expect((await use('kill_agent', { agentId, reason: 'enough', waitS: 30 })).structuredContent).toMatchObject({
    report: { killed: [agentId], survivors: 0 },
  });
  expect(await hub.client.agents.get(agentId)).toMatchObject({ state: 'killed', reason: 'enough' });
}, 120_000);

test('says what is wrong when the hub cannot be reached, and a viewer may only look', async () => {
  await expect(enter({ WRIT_URL: 'http://127.0.0.1:9', WRIT_API_KEY: 'x' })).rejects.toThrow('peer_unavailable');
  const { key } = await hub.client.keys.create({ name: 'looks', role: 'viewer' });
  const viewer = await enter({ WRIT_URL: hub.instance.url, WRIT_API_KEY: key });
  const refused = await viewer.callTool({ name: 'spawn_agent', arguments: { ...stage.job('acme', 'true') } });
  expect(refused).toMatchObject({ isError: true, structuredContent: { code: 'forbidden' } });
  await viewer.close();
}, 120_000);

/** The ways in, as the inspector is told of them: before its own options, and after. */
const doors: Record<string, () => { before: string[]; after: string[] }> = {
  'streamable HTTP': () => ({
    before: [`${hub.instance.url}/mcp`, '--transport', 'http', '--header', `Authorization: Bearer ${hub.instance.key}`],
    after: [],
  }),
  'standard input and output': () => ({
    before: ['-e', `WRIT_URL=${hub.instance.url}`, '-e', `WRIT_API_KEY=${hub.instance.key}`],
    after: ['--', process.execPath, join(root, 'apps/cli/bin/writ.mjs'), 'mcp'],
  }),
};

describe.each(Object.keys(doors))('the inspector, over %s', (door) => {
  const asks = (...args: string[]) => {
    const { before, after } = doors[door]!();
    return inspect(stage.folder, [...before, ...args, ...after]);
  };
  const calls = (tool: string, args: object) => {
    const pairs = Object.entries(args).map(([name, value]) => `${name}=${asArgument(value)}`);
    return asks('--method', 'tools/call', '--tool-name', tool, ...pairs.flatMap((pair) => ['--tool-arg', pair]));
  };
  const asArgument = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));

  inspected(
    'finds every tool, and none that other clients could not use',
    async () => {
      const { code, said } = await asks('--method', 'tools/list', '--strict');
      const { tools } = await client.listTools();
      expect([code, namesIn(said)]).toEqual([0, namesIn({ tools })]);
      const { said: templates } = await asks('--method', 'resources/templates/list');
      expect(templates).toMatchObject({ resourceTemplates: [{ name: 'agent_output' }, { name: 'agent_diff' }] });
    },
    120_000,
  );

  inspected(
    'has an agent work, and is told in words what it asked wrongly',
    async () => {
      const job = stage.job('acme', 'echo inspected');
      const { said } = await calls('spawn_agent', job);
      const { agentId } = (said as { structuredContent: { agentId: string } }).structuredContent;
      expect(await calls('agent_status', { agentId, waitS: 30 })).toMatchObject({
        code: 0,
        said: { structuredContent: { state: 'completed' } },
      });
      const read = await asks('--method', 'resources/read', '--uri', `writ://agents/${agentId}/output`);
      expect(read.said).toMatchObject({ contents: [{ text: 'inspected\n' }] });
      expect((await calls('agent_status', { agentId: 'nobody' })).said).toMatchObject({
        isError: true,
        structuredContent: { code: 'invalid_request', field: 'agentId' },
      });
    },
    120_000,
  );
});
