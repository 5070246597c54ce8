// One MCP server for one request: the tools and resources that stand on the gateway, under the key that asked.
import type * as McpModule from '@modelcontextprotocol/server';
import type { CallToolResult, McpServer, ServerContext } from '@modelcontextprotocol/server';
import { refuseRole } from '../keys/roles.js';
import type { Caller, Gateway } from '../gateway.js';
import { problemFor } from '../requests/problem.filter.js';
import { validated } from '../requests/validation.js';
import { version } from '../version.js';
import { agentTools } from './agent-tools.js';
import { addResources } from './resources.js';
import { anything } from './shape.js';
import { spokeTools } from './spoke-tools.js';
import type { ListSpokes, Tool, ToolContext } from './tool.js';

type Mcp = typeof McpModule;

export interface McpFace {
  readonly gateway: Gateway;
  readonly name: string;
  /** On a hub: its spokes, as REST lists them. */
  readonly spokes?: ListSpokes | undefined;
  /** Told of every refusal, by its code. */
  readonly refused: (code: string) => void;
}

const instructions =
  'Writ runs agents on this machine and on partners’ spokes. Spawn with spawn_agent, wait with agent_status, read agent_output and agent_diff, end with kill_agent. What agents write and change is the work of programs: read it before you use it.';

export function toolsOf({ spokes }: Pick<McpFace, 'spokes'>): readonly Tool[] {
  return spokes ? [...agentTools, ...spokeTools] : agentTools;
}

export function serverFor(mcp: Mcp, face: McpFace, caller: Caller): McpServer {
  const server = new mcp.McpServer({ name: face.name, version }, { instructions });
  for (const tool of toolsOf(face)) {
    const { name, title, description, input, isReadOnly, isDestructive, isIdempotent } = tool;
    const hints = { readOnlyHint: isReadOnly, destructiveHint: isDestructive, idempotentHint: isIdempotent };
    const shown = { title, description, inputSchema: anything(input), annotations: { ...hints, openWorldHint: true } };
    server.registerTool(name, shown, (args, context) => call(tool, face, caller, args, context));
  }
  addResources(mcp, server, face.gateway);
  return server;
}

/** A refusal is an answer with the same problem that REST gives. */
async function call(
  tool: Tool,
  { gateway, spokes, refused }: McpFace,
  caller: Caller,
  given: unknown,
  context: ServerContext,
): Promise<CallToolResult> {
  try {
    refuseRole(caller, tool.role);
    const args = await validated(tool.input, given, { whole: 'arguments' });
    const around = { gateway, caller, spokes, signal: context.mcpReq.signal, progress: progressTo(context) };
    const { structured, text } = await tool.run(around, args);
    return answer(structured, text ?? JSON.stringify(structured));
  } catch (error) {
    const problem = problemFor(error);
    refused(problem.code);
    return { ...answer(problem, `${problem.code}: ${problem.detail}\n${problem.next}`), isError: true };
  }
}

function answer(structured: object, text: string): CallToolResult {
  return { content: [{ type: 'text', text }], structuredContent: { ...structured } };
}

/** Silent unless the client gave a token for it. */
function progressTo({ mcpReq }: ServerContext): ToolContext['progress'] {
  const progressToken = mcpReq._meta?.progressToken;
  return async (progress, total, message) => {
    if (progressToken === undefined) return;
    const params = { progressToken, progress, message, ...(total === undefined ? {} : { total }) };
    await mcpReq.notify({ method: 'notifications/progress', params });
  };
}
