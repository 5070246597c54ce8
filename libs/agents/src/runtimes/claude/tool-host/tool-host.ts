// The tool host: runs inside the sandbox as a program of its own and executes the agent toolset of the SDK there.
// One JSON object a line: `{id, op: "list" | "call" | "cancel", name?, input?}` in, `{id, ok, tools? | content?}` out.
// It imports nothing of this house, so that one file and the SDK are all that has to be mounted.
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { betaAgentToolset20260401 } from '@anthropic-ai/sdk/tools/agent-toolset/node';

interface Call {
  readonly id: number;
  readonly op: 'list' | 'call' | 'cancel';
  readonly name?: string;
  readonly input?: unknown;
}

const { values } = parseArgs({
  options: { workdir: { type: 'string' }, tools: { type: 'string' }, root: { type: 'string', multiple: true } },
});
const workdir = values.workdir ?? process.cwd();
const roots = values.root ?? [];
const allowed = new Set((values.tools ?? '').split(','));
const toolset = betaAgentToolset20260401({ workdir, allowedRoots: roots, readOnlyRoots: roots });
const tools = new Map(toolset.filter(({ name }) => allowed.has(name)).map((tool) => [tool.name, tool]));
const running = new Map<number, AbortController>();

function answer(id: number, ok: boolean, more: Record<string, unknown>): void {
  process.stdout.write(`${JSON.stringify({ id, ok, ...more })}\n`);
}

function list(id: number): void {
  const definitions = [...tools.values()].map((tool) => ({
    name: tool.name,
    description: 'description' in tool ? tool.description : '',
    input_schema: 'input_schema' in tool ? tool.input_schema : { type: 'object' },
  }));
  answer(id, true, { tools: definitions });
}

async function call({ id, name = '', input }: Call): Promise<void> {
  const tool = tools.get(name);
  if (!tool) {
    answer(id, false, { content: `The tool ${JSON.stringify(name)} is not allowed here.` });
    return;
  }
  const cancel = new AbortController();
  running.set(id, cancel);
  const toolUse = { type: 'tool_use' as const, id: String(id), name, input };
  const context = { toolUse, toolUseBlock: toolUse, signal: cancel.signal };
  try {
    answer(id, true, { content: await tool.run(tool.parse(input), context) });
  } catch (error) {
    answer(id, false, { content: contentOf(error) });
  } finally {
    running.delete(id);
  }
}

/** A `ToolError` of the SDK carries its own content. */
function contentOf(error: unknown): unknown {
  if (error instanceof Error && 'content' in error) return error.content;
  return error instanceof Error ? error.message : String(error);
}

function serve(line: string): void {
  const request = JSON.parse(line) as Call;
  if (request.op === 'list') list(request.id);
  else if (request.op === 'cancel') running.get(request.id)?.abort(new Error('cancelled'));
  else void call(request);
}

createInterface({ input: process.stdin })
  .on('line', serve)
  .on('close', () => {
    for (const tool of tools.values()) void tool.close?.();
    process.exit(0);
  });
