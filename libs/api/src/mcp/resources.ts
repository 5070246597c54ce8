// What an agent wrote and changed as resources, by the address of the agent.
import type * as McpModule from '@modelcontextprotocol/server';
import type { McpServer, ReadResourceResult } from '@modelcontextprotocol/server';
import { agentId, problemOf } from '#protocol';
import type { Gateway } from '../gateway.js';
import { validated } from '../requests/validation.js';

const outputBytesMax = 262_144;

interface AgentText {
  readonly name: 'output' | 'diff';
  readonly description: string;
  readonly mimeType: string;
  readonly read: (gateway: Gateway, agentId: string) => Promise<string>;
}

const texts: readonly AgentText[] = [
  {
    name: 'output',
    description: 'What the agent wrote, its first 256 KiB; agent_output goes on from there',
    mimeType: 'text/plain',
    read: async (gateway, id) => (await gateway.readOutput(id, undefined, outputBytesMax)).text,
  },
  {
    name: 'diff',
    description: 'What the agent changed',
    mimeType: 'text/x-diff',
    read: async (gateway, id) => (await gateway.diff(id)).text,
  },
];

type Mcp = typeof McpModule;

/** `writ://agents/ID/output` and `writ://agents/ID/diff`, for whoever may view. */
export function addResources(mcp: Mcp, server: McpServer, gateway: Gateway): void {
  for (const { name, description, mimeType, read } of texts) {
    const template = new mcp.ResourceTemplate(`writ://agents/{agentId}/${name}`, { list: undefined });
    server.registerResource(`agent_${name}`, template, { description, mimeType }, (uri, { agentId: given }) =>
      refusedAs(mcp, async (): Promise<ReadResourceResult> => {
        const id = (await validated(agentId, given, { whole: 'agentId' })) as string;
        return { contents: [{ uri: uri.href, mimeType, text: await read(gateway, id) }] };
      }),
    );
  }
}

/** A resource that cannot be read is an error of the protocol, with our problem as its data. */
async function refusedAs<T>({ ProtocolError, ProtocolErrorCode }: Mcp, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const problem = problemOf(error);
    const code = problem.status >= 500 ? ProtocolErrorCode.InternalError : ProtocolErrorCode.InvalidParams;
    throw new ProtocolError(code, `${problem.code}: ${problem.detail}`, problem);
  }
}
