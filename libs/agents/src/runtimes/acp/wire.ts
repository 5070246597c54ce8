// The wire to an agent: its stdin and stdout as the stream of messages that the SDK works on.
//
//   stdout ─► lines ─► checked ─► session/update ─► heard, one after the other
//                          └────► responses, requests ─► SDK ─► stdin
//
// Whatever comes out was written by the agent. It is bounded here, because the SDK reads ahead without an end: a line is read
// only when what came before it is dealt with, so that an agent that floods waits for us, and a response is never before the
// updates that came before it.
import { setTimeout as pause } from 'node:timers/promises';
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk';
import { z } from 'zod';
import type { SandboxProcess } from '../../sandbox/sandbox.js';
import { linesOf } from '../lines.js';
import { AgentBroke } from './broken.js';

const lineCharactersMax = 8 * 2 ** 20;
/** Lines before the first response that are no messages: some programs greet. */
const greetingsMax = 20;
/** Requests of the agent that wait for our answer. */
const requestsMax = 32;
/** How long after its output an agent's own end may come. */
const departureMs = 1_000;
/** Messages of one turn that show nothing to anybody. */
const quietMax = 100_000;

const id = z.union([z.string().max(256), z.int()]);
const call = z.looseObject({
  jsonrpc: z.literal('2.0'),
  method: z.string().min(1).max(256),
  params: z.unknown().optional(),
});
const request = call.extend({ id });
const response = z.looseObject({ jsonrpc: z.literal('2.0'), id: id.nullable() });

export interface Ears {
  /** An update of a session. True when somebody saw something of it. */
  readonly heard: (params: unknown) => Promise<boolean>;
  /** A line that is no message, before the first response. */
  readonly greeted: (line: string) => Promise<unknown>;
}

export class Wire {
  private readonly asked = new Set<unknown>();
  private readonly open = new Set<unknown>();
  private greetings = 0;
  private quiet = 0;
  private answered = false;

  constructor(
    private readonly process: SandboxProcess,
    private readonly ears: Ears,
  ) {
    process.stdin.on('error', () => undefined);
  }

  /** Once. Errs with `AgentBroke`, or with what the ears threw. */
  stream(): Stream {
    const readable: Stream['readable'] = ReadableStream.from<AnyMessage>(this.messages());
    return { readable, writable: new WritableStream({ write: (message) => this.send(message) }) };
  }

  /** A turn begins: what was said before does not count any more. */
  renew(): void {
    this.quiet = 0;
  }

  private async *messages(): AsyncGenerator<AnyMessage> {
    for await (const line of this.lines()) {
      const message = await this.message(line);
      if (message && (await this.passes(message))) yield message as unknown as AnyMessage;
    }
    throw await this.departure();
  }

  /** How it ended, unless it only closed its output. */
  private async departure(): Promise<AgentBroke> {
    const end = await Promise.race([this.process.end, pause(departureMs, undefined, { ref: false })]);
    if (!end) return new AgentBroke('The agent closed its output.');
    return new AgentBroke(`The agent ended (${end.signal ?? `code ${end.code ?? 'unknown'}`}).`);
  }

  private async *lines(): AsyncGenerator<string> {
    try {
      yield* linesOf(this.process.stdout, lineCharactersMax);
    } catch (cause) {
      if (!(cause instanceof RangeError)) throw cause;
      throw new AgentBroke('The agent wrote a line that is too long.', { cause });
    }
  }

  private async message(line: string): Promise<object | undefined> {
    const value = jsonOf(line);
    if (value !== undefined) return value;
    this.count();
    if (line.trim() === '') return undefined;
    if (this.answered || (this.greetings += 1) > greetingsMax)
      throw new AgentBroke('The agent wrote something that is no message of the protocol.');
    await this.ears.greeted(line);
    return undefined;
  }

  /** Whether it is for the SDK. */
  private async passes(message: object): Promise<boolean> {
    if (!('method' in message)) return this.settles(message);
    if ('id' in message) return this.wants(message);
    const { method, params } = checked(call, message);
    const isShown = method === 'session/update' && (await this.ears.heard(params));
    if (!isShown) this.count();
    return method === '$/cancel_request';
  }

  private settles(message: object): boolean {
    const { id: answer } = checked(response, message);
    if (!this.asked.delete(answer)) throw new AgentBroke('The agent answered something that it was not asked.');
    this.answered = true;
    return true;
  }

  private wants(message: object): boolean {
    const { id: wish } = checked(request, message);
    if (this.open.has(wish) || this.open.size >= requestsMax)
      throw new AgentBroke('The agent has too many requests open, or two of the same id.');
    this.open.add(wish);
    this.count();
    return true;
  }

  private count(): void {
    if ((this.quiet += 1) > quietMax) throw new AgentBroke('The agent floods the spoke with messages.');
  }

  /** What it still said is heard first, and how it ended says more: its output errs with that, unless it goes on living. */
  private async deaf(cause: Error): Promise<AgentBroke> {
    await pause(departureMs, undefined, { ref: false });
    return new AgentBroke('The agent does not listen any more.', { cause });
  }

  /** Resolves when the agent's end of the pipe has taken it. */
  private send(message: AnyMessage): Promise<void> {
    if ('method' in message && 'id' in message) this.asked.add(message.id);
    else if ('id' in message) this.open.delete(message.id);
    const text = `${JSON.stringify(message)}\n`;
    return new Promise((resolve, reject) => {
      this.process.stdin.write(text, (error) => {
        if (error) void this.deaf(error).then(reject);
        else resolve();
      });
    });
  }
}

function jsonOf(line: string): object | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function checked<T>(shape: z.ZodType<T>, message: object): T {
  const parsed = shape.safeParse(message);
  if (parsed.success) return parsed.data;
  throw new AgentBroke('The agent wrote something that is no message of the protocol.');
}
