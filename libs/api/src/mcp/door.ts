// Where MCP is spoken: `POST /mcp` (streamable HTTP, without sessions), under the keys and limits of REST.
import type { McpHttpHandler } from '@modelcontextprotocol/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Caller } from '../gateway.js';
import { refuseExcess } from '../keys/authentication.js';
import { serverFor, toolsOf, type McpFace } from './server.js';

const mcpPath = '/mcp';

/** Loaded with the first request: most instances are never asked. */
export function openMcp(http: FastifyInstance, face: McpFace): void {
  let opened: Promise<McpHttpHandler> | undefined;
  const serve = async (request: FastifyRequest, reply: FastifyReply) => {
    if (!isUnlimited(face, request.body)) await refuseExcess(request);
    const handler = await (opened ??= open(face));
    const authInfo = { token: '', clientId: '', scopes: [], extra: { caller: request.caller } };
    return reply.send(await handler.fetch(webRequest(request, reply), { authInfo, parsedBody: request.body }));
  };
  for (const method of ['GET', 'POST', 'DELETE'] as const)
    http.route({ method, url: mcpPath, config: { unlimited: true }, handler: serve });
  http.addHook('onClose', async () => (await opened)?.close());
}

async function open(face: McpFace): Promise<McpHttpHandler> {
  const mcp = await import('@modelcontextprotocol/server');
  return mcp.createMcpHandler(({ authInfo }) => serverFor(mcp, face, authInfo?.extra?.caller as Caller));
}

/** A kill gets through whatever else this key has asked for. */
function isUnlimited(face: McpFace, body: unknown): boolean {
  const { method, params } = (body ?? {}) as { method?: unknown; params?: { name?: unknown } };
  if (method !== 'tools/call') return false;
  return toolsOf(face).some(({ name, isUnlimited }) => isUnlimited === true && name === params?.name);
}

/** Its signal ends with the connection. */
function webRequest({ method, url, headers }: FastifyRequest, { raw }: FastifyReply): Request {
  const gone = new AbortController();
  raw.once('close', () => gone.abort());
  const plain = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, String(value)] as [string, string]],
  );
  return new Request(new URL(url, 'http://localhost'), {
    method,
    headers: plain,
    signal: gone.signal,
  });
}
