// An agent's process in the sandbox, with the protocol on its pipes.
//
//   start ─► initialize ─► ready ─► requests … ─► closed
//     └────────── broken: the process is ended at once ──┘
import {
  client,
  methods,
  PROTOCOL_VERSION,
  RequestError,
  type AgentRequestMethod,
  type AgentRequestParamsByMethod,
  type ClientConnection,
  type RequestPermissionRequest,
  type RequestPermissionResponse,
} from '@agentclientprotocol/sdk';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import type { SandboxProcess } from '../../sandbox/sandbox.js';
import { AgentBroke } from './broken.js';
import { Wire, type Ears } from './wire.js';

/** How long an agent may take to end by itself once nobody speaks to it any more. */
const leaveMs = 2_000;

const greeting = z.looseObject({
  protocolVersion: z.int(),
  agentCapabilities: z
    .looseObject({
      loadSession: z.boolean().nullish(),
      sessionCapabilities: z.looseObject({ resume: z.looseObject({}).nullish() }).nullish(),
    })
    .nullish(),
});

/** How the agent takes up a session that another process of it began. */
export type TakesUp = 'session/resume' | 'session/load' | undefined;

export interface ProgramParts extends Ears {
  readonly start: (signal: AbortSignal) => Promise<SandboxProcess>;
  /** What the agent writes to its stderr. */
  readonly complained: (text: string) => Promise<void>;
  readonly permission: (request: RequestPermissionRequest, signal: AbortSignal) => Promise<RequestPermissionResponse>;
}

export class Program {
  takesUp: TakesUp;
  private readonly connection: ClientConnection;
  private readonly wire: Wire;

  private constructor(
    private readonly process: SandboxProcess,
    private readonly over: AbortController,
    parts: ProgramParts,
  ) {
    this.wire = new Wire(process, parts);
    const { requestPermission } = methods.client.session;
    const app = client({ name: 'writ' }).onRequest(requestPermission, ({ params, signal }) =>
      parts.permission(params, AbortSignal.any([signal, over.signal])).catch((error: unknown) => this.fail(error)),
    );
    this.connection = app.connect(this.wire.stream());
    void this.connection.closed.then(() => this.over.abort(this.connection.signal.reason));
    pour(process, parts.complained).catch((error: unknown) => this.end(error));
  }

  /** Started and spoken to. Nothing of it lives when this throws. @throws AgentBroke; what the start throws. */
  static async open(parts: ProgramParts, withinMs: number): Promise<Program> {
    const over = new AbortController();
    const program = new Program(await parts.start(over.signal), over, parts);
    try {
      await program.greet(withinMs);
      return program;
    } catch (error) {
      program.end(error);
      throw error;
    }
  }

  get isOver(): boolean {
    return this.over.signal.aborted;
  }

  /** A turn begins. */
  renew(): void {
    this.wire.renew();
  }

  /** @throws RequestError the agent's own refusal; AgentBroke, also when it says nothing for so long; what the ears threw. */
  async ask<M extends AgentRequestMethod>(
    method: M,
    params: AgentRequestParamsByMethod[M],
    withinMs?: number,
  ): Promise<unknown> {
    const late = new AbortController();
    const answer = this.connection.agent.request(method, params);
    try {
      if (withinMs === undefined) return await answer;
      return await Promise.race([answer, silence(method, withinMs, late.signal)]);
    } catch (error) {
      if (!(error instanceof RequestError)) this.end(error);
      throw error;
    } finally {
      late.abort();
    }
  }

  /** Asks the agent to give up the prompt that is on. Not waited for. */
  cancel(sessionId: string): void {
    void this.connection.agent.notify(methods.agent.session.cancel, { sessionId }).catch(() => undefined);
  }

  /** Nobody speaks to it any more. Resolves when it is gone; it is ended when it does not go by itself. */
  async close(): Promise<void> {
    this.process.stdin.end();
    await Promise.race([this.process.end, pause(leaveMs, undefined, { ref: false })]);
    this.end(new AgentBroke('The agent was closed.'));
    await this.process.end;
  }

  /** At once. */
  private end(cause: unknown): void {
    this.connection.close(cause);
  }

  private fail(cause: unknown): never {
    this.end(cause);
    throw cause;
  }

  private async greet(withinMs: number): Promise<void> {
    const params = {
      protocolVersion: PROTOCOL_VERSION,
      // The agent has its own tools inside the sandbox; nothing is read, written or run for it out here.
      clientCapabilities: { fs: { readTextFile: false, writeTextFile: false }, terminal: false },
    };
    const parsed = greeting.safeParse(await this.ask(methods.agent.initialize, params, withinMs));
    if (!parsed.success) throw new AgentBroke('The agent answered `initialize` with something else.');
    const { protocolVersion, agentCapabilities } = parsed.data;
    if (protocolVersion !== PROTOCOL_VERSION)
      throw new AgentBroke(
        `The agent speaks version ${protocolVersion} of the protocol; the spoke speaks ${PROTOCOL_VERSION}.`,
      );
    const { loadSession, sessionCapabilities } = agentCapabilities ?? {};
    if (sessionCapabilities?.resume) this.takesUp = methods.agent.session.resume;
    else if (loadSession) this.takesUp = methods.agent.session.load;
  }
}

async function silence(method: string, withinMs: number, signal: AbortSignal): Promise<never> {
  await pause(withinMs, undefined, { signal, ref: false });
  throw new AgentBroke(`The agent did not answer \`${method}\` within ${withinMs} ms.`);
}

async function pour({ stderr }: SandboxProcess, into: (text: string) => Promise<void>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of stderr as AsyncIterable<Buffer>) {
    const text = decoder.decode(chunk, { stream: true });
    if (text !== '') await into(text);
  }
}
