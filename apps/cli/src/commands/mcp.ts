// `writ mcp`: MCP on standard input and output, carried to the instance's own `/mcp` and back. Nothing is answered here but that
// the instance cannot be reached.
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import type { Command } from 'commander';
import { problemOf } from '#protocol';
import { Desk } from '../desk.js';
import type { World } from '../world.js';

const help = `
Examples:
  claude mcp add writ -- writ mcp            # an agent of yours spawns, watches and kills agents
  WRIT_URL=https://hub.example.org WRIT_API_KEY=… writ mcp

The key decides what the tools may: give an agent that should only look a viewer's key.`;

export function addMcp(program: Command, world: World): void {
  program
    .command('mcp')
    .description('Speak MCP on standard input and output for an agent of yours, as a bridge to the hub or spoke')
    .addHelpText('after', help)
    .action(async (_options: unknown, command: Command) => {
      const desk = new Desk(world, command);
      await desk.with('either', async ({ fetch }, { url }) => {
        world.progress.clear();
        const { StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client');
        const { StdioServerTransport } = await import('@modelcontextprotocol/server/stdio');
        const there = new StreamableHTTPClientTransport(new URL('/mcp', url), { fetch });
        await bridge(new StdioServerTransport(), there, world.signal);
      });
    });
}

/** Until standard input ends or the signal, and what is on its way has been answered. */
async function bridge(here: Transport, there: Transport, signal: AbortSignal): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<'over'>();
  const end = () => resolve('over');
  const underWay = new Set<Promise<void>>();
  here.onclose = end;
  signal.addEventListener('abort', end, { once: true });
  there.onmessage = (message) => void here.send(message);
  here.onmessage = (message) => {
    const carried = carry(message, there, here).finally(() => underWay.delete(carried));
    underWay.add(carried);
  };
  await there.start();
  await here.start();
  await over;
  if (!signal.aborted) await Promise.all(underWay);
  await there.close();
}

/** Resolves when the answer has come in full. */
async function carry(message: JSONRPCMessage, there: Transport, here: Transport): Promise<void> {
  try {
    await there.send(message);
  } catch (error) {
    if (!('id' in message) || !('method' in message)) return;
    const { code, detail, next } = problemOf(error);
    await here.send({
      jsonrpc: '2.0',
      id: message.id,
      error: { code: -32_603, message: `${code}: ${detail} ${next}` },
    });
  }
}
