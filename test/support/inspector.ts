// The command line of the MCP Inspector, the protocol's own tool for looking at servers: as somebody's who has never heard of Writ.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';

const program = 'mcp-inspector';

export const hasInspector = spawnSync(program, ['--cli', '--version'], { stdio: 'ignore' }).status === 0;
export const getInspector = 'npm install -g @modelcontextprotocol/inspector@2';

export interface Inspected {
  readonly code: number;
  /** What it printed, as JSON. */
  readonly said: never;
}

/** `home` is where it keeps its own files. */
export async function inspect(home: string, args: readonly string[]): Promise<Inspected> {
  const env = { PATH: process.env.PATH ?? '', HOME: home };
  const child = spawn(program, ['--cli', ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  if (out.trim() === '') throw new Error(`the inspector ended with ${String(code)}: ${err}`);
  return { code: Number(code), said: JSON.parse(out) as never };
}
