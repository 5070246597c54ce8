// The model API as one agent has it: as a function for a runtime out here, as a socket for a program inside its sandbox.
// Both lead through the same passage and are paid from the same purse; the key of the spoke is in neither.
import { randomBytes } from 'node:crypto';
import { LimitReached, type ModelAccess, type ModelTrouble, type ModelUpstream } from '../runtimes/runtime.js';
import type { Mount, SandboxProcess } from '../sandbox/sandbox.js';
import { through } from '../doorways/forwarder.js';
import { Door } from './door.js';
import { Passage, type Asked } from './passage.js';
import type { Purse } from './purse.js';
import { refusedFor } from './refusal.js';

/** In the state folder of the agents: a folder for each that has a socket. */
export const modelFolder = 'model';

type Launch = (
  argv: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
  mounts: readonly Mount[],
  signal?: AbortSignal,
) => Promise<SandboxProcess>;

export interface AccessParts {
  /** For the socket of this agent. */
  readonly folder: string;
  readonly purse: Purse;
  readonly allows: (model: string) => boolean | Promise<boolean>;
  readonly signal: AbortSignal;
  readonly launch: Launch;
}

export class AgentModel implements ModelAccess {
  private readonly over = new AbortController();
  private readonly signal: AbortSignal;
  private readonly passages: Passage[] = [];
  private door?: Promise<Door>;
  private readonly token = `writ-agent-${randomBytes(32).toString('base64url')}`;
  trouble?: ModelTrouble;

  constructor(private readonly parts: AccessParts) {
    this.signal = AbortSignal.any([parts.signal, this.over.signal]);
  }

  fetch(upstream: ModelUpstream): typeof fetch {
    const passage = this.passage(upstream, true);
    return async (input, init) => {
      try {
        const { status, headers, body } = await passage.pass(asked(input, init));
        return new Response(ReadableStream.from(body), { status, headers });
      } catch (error) {
        if (error instanceof LimitReached) throw error;
        const { status, body, more } = refusedFor(error);
        return new Response(body, { status, headers: { ...more.headers, 'content-type': 'application/json' } });
      }
    };
  }

  async launch(
    upstream: ModelUpstream,
    argv: readonly [string, ...string[]],
    env: Readonly<Record<string, string>> = {},
    signal?: AbortSignal,
  ): Promise<SandboxProcess> {
    this.signal.throwIfAborted();
    this.door ??= this.opened(upstream);
    const { socket } = await this.door;
    const way = through({ name: 'model', socket, tells: ['ANTHROPIC_BASE_URL'] }, argv);
    return this.parts.launch(way.argv, { ...env, ANTHROPIC_API_KEY: this.token }, way.mounts, signal);
  }

  /** Ends what is under way and waits until it is paid for; nothing is admitted after. */
  async close(): Promise<void> {
    this.over.abort(new Error('The agent has ended.'));
    await Promise.all(this.passages.map((passage) => passage.settled()));
    await (await this.door?.catch(() => undefined))?.close();
  }

  private opened(upstream: ModelUpstream): Promise<Door> {
    const passage = this.passage(upstream, false);
    return Door.open({ folder: this.parts.folder, token: this.token, pass: (one) => passage.pass(one) });
  }

  private passage(upstream: ModelUpstream, fits: boolean): Passage {
    const { purse, allows } = this.parts;
    const trouble = (met: ModelTrouble | undefined) => {
      this.trouble = met;
    };
    const passage = new Passage({ upstream, purse, allows, signal: this.signal, fits, trouble });
    this.passages.push(passage);
    return passage;
  }
}

/** What the SDK asks for; it sends its bodies as text. */
function asked(input: Parameters<typeof fetch>[0], init: RequestInit = {}): Asked {
  const { pathname } = new URL(input instanceof Request ? input.url : input);
  const headers = new Headers(init.headers);
  return {
    path: pathname,
    text: typeof init.body === 'string' ? init.body : '',
    signal: init.signal ?? new AbortController().signal,
    version: headers.get('anthropic-version') ?? undefined,
    beta: headers.get('anthropic-beta') ?? undefined,
  };
}
