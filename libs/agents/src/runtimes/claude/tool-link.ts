// The outer end of the tool host: starts it in the sandbox, passes calls in and results out.
// Whatever comes out was written within the agent's reach: bounded, checked, and matched to a call that was made.
import type { BetaRunnableTool } from '@anthropic-ai/sdk/lib/tools/BetaRunnableTool';
import { ToolError } from '@anthropic-ai/sdk/lib/tools/ToolError';
import { z } from 'zod';
import { traced } from '#tracing';
import { environment, skillsFolder, workFolder } from '../inside.js';
import { linesOf } from '../lines.js';
import type { RuntimeHost } from '../runtime.js';
import type { SandboxProcess } from '../../sandbox/sandbox.js';
import { toolHostInside } from './packages.js';

/** The tool host cannot be used (any more): the sandbox's fault or the agent's, not the model's. */
export class ToolHostFailed extends Error {}

const lineCharactersMax = 8 * 2 ** 20;
const contentCharactersMax = 400_000;
const restartsMax = 3;

const definition = z.strictObject({
  name: z.string().max(64),
  description: z.string().max(10_000),
  input_schema: z.looseObject({ type: z.literal('object') }),
});
const reply = z.strictObject({
  id: z.int(),
  ok: z.boolean(),
  tools: z.array(definition).max(20).optional(),
  content: z.unknown().optional(),
});
type Reply = z.infer<typeof reply>;
/** Tool results are text. Other blocks (an image by URL) are nothing that may be put into the mouth of the spoke. */
const textOf = z.union([
  z.string(),
  z
    .array(z.looseObject({ text: z.string().catch('') }))
    .transform((blocks) => blocks.map(({ text }) => text).join('\n')),
]);

interface Pending {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: Error) => void;
}

export class ToolLink {
  private process: SandboxProcess | undefined;
  private readonly pending = new Map<number, Pending>();
  private lastId = 0;
  private restarts = 0;
  /** One for all calls of a turn that find the tool host gone. */
  private revival: Promise<string> | undefined;

  constructor(
    private readonly host: RuntimeHost,
    private readonly names: readonly string[],
  ) {}

  /** Started, and asked what it offers: the profile's tools, all of them, or @throws ToolHostFailed. */
  async open(): Promise<BetaRunnableTool<unknown>[]> {
    await this.start();
    const { tools = [] } = await this.ask({ op: 'list' }, this.host.signal).catch((error: unknown) => {
      throw new ToolHostFailed('The tool host did not start.', { cause: error });
    });
    return this.names.map((name) => {
      const found = tools.find((tool) => tool.name === name);
      if (!found) throw new ToolHostFailed(`The tool host does not offer ${name}.`);
      return { ...found, type: 'custom', parse: (input) => input, run: (input) => this.traced(name, input) };
    });
  }

  /** False when the tool host is gone for good. */
  get usable(): boolean {
    return this.restarts <= restartsMax;
  }

  /** Whether it answers and no call is open; also when there is no tool host any more. */
  async idle(): Promise<boolean> {
    if (this.pending.size > 0) return false;
    return this.process === undefined || (await this.ask({ op: 'list' }, this.host.signal)).ok;
  }

  /** Ends the tool host and every open call. Resolves when it is gone. */
  async close(): Promise<void> {
    const { process } = this;
    process?.stdin.end();
    this.process = undefined;
    this.fail('The tool host is closed.');
    await process?.end;
  }

  private traced(name: string, input: unknown): Promise<string> {
    const attributes = { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': name };
    return traced(`execute_tool ${name}`, { attributes }, () => this.call(name, input));
  }

  private async call(name: string, input: unknown): Promise<string> {
    const revived = this.process === undefined ? await this.revive() : '';
    const { ok, content } = await this.ask({ op: 'call', name, input }, this.host.signal);
    const told = revived + clip(textOf.catch('').parse(content));
    if (!ok) throw new ToolError(told);
    return told;
  }

  /** An agent can end its own tool host (`kill -9 -1`). It gets a new one, a few times, and is told. */
  private revive(): Promise<string> {
    this.revival ??= this.restart().finally(() => (this.revival = undefined));
    return this.revival;
  }

  private async restart(): Promise<string> {
    this.restarts += 1;
    if (!this.usable) throw new ToolHostFailed('The tool host ended too often.');
    await this.start();
    return 'The tools had ended and were started again; the state of the shell is lost.\n';
  }

  private async start(): Promise<void> {
    const scope = ['--workdir', workFolder, '--tools', this.names.join(','), '--root', skillsFolder];
    const child = await this.host.launch(['node', toolHostInside(), ...scope], environment);
    this.process = child;
    child.stdin.on('error', () => undefined);
    child.stderr.resume();
    void this.listen(child);
  }

  private async listen(child: SandboxProcess): Promise<void> {
    try {
      for await (const line of linesOf(child.stdout, lineCharactersMax)) this.settle(line);
    } catch {
      child.stdin.end();
    }
    if (this.process !== child) return;
    this.process = undefined;
    this.fail('The tool host ended in the middle of the call.');
  }

  /** @throws when a line is no answer: somebody else wrote it, and what else is broken cannot be known. */
  private settle(line: string): void {
    const answer = reply.parse(JSON.parse(line));
    const open = this.pending.get(answer.id);
    this.pending.delete(answer.id);
    open?.resolve(answer);
  }

  private fail(why: string): void {
    for (const { reject } of this.pending.values()) reject(new ToolError(why));
    this.pending.clear();
  }

  private async ask(request: { op: string; name?: string; input?: unknown }, signal: AbortSignal): Promise<Reply> {
    signal.throwIfAborted();
    const id = (this.lastId += 1);
    const abort = () => {
      this.send({ id, op: 'cancel' });
      this.pending.get(id)?.reject(new ToolError('Stopped.'));
    };
    signal.addEventListener('abort', abort, { once: true });
    try {
      return await new Promise<Reply>((resolve, reject) => {
        this.pending.set(id, { resolve, reject });
        this.send({ id, ...request });
      });
    } finally {
      signal.removeEventListener('abort', abort);
      this.pending.delete(id);
    }
  }

  private send(request: object): void {
    if (this.process) this.process.stdin.write(`${JSON.stringify(request)}\n`);
    else this.fail('The tool host ended.');
  }
}

function clip(content: string): string {
  return content.length > contentCharactersMax ? `${content.slice(0, contentCharactersMax)}\n[cut]` : content;
}
