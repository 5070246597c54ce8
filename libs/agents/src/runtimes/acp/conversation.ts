// The talk with one agent: its process, its session there, and one prompt after the other. A process that is gone is started
// again, and its session taken up where the agent can; where it cannot, a new one begins, and `isNew` says so.
import { methods, type RequestPermissionRequest, type RequestPermissionResponse } from '@agentclientprotocol/sdk';
import { z } from 'zod';
import { AgentBroke } from './broken.js';
import { needEndOfTurn } from './endings.js';
import { begun, chosen, launched, takenUp, type ConversationParts, type Opened } from './opening.js';
import { Permissions } from './permissions.js';
import { printable } from './printable.js';
import { Program } from './program.js';
import { Till } from './till.js';
import { ToolCalls } from './tool-calls.js';
import { Updates } from './updates.js';

const answered = z.looseObject({ stopReason: z.string() });
const greetingCharactersMax = 500;

/** What of a session outlives its process. */
export interface Known {
  readonly sessionId?: string;
  readonly moneyMicroUsd: number;
}

/** A session that is ready for prompts. */
interface Ready {
  readonly program: Program;
  readonly sessionId: string;
}

export class Conversation {
  private readonly calls = new ToolCalls();
  private readonly till: Till;
  private readonly updates: Updates;
  private readonly permissions: Permissions;
  private program?: Program;
  private session?: Ready;
  /** The last session, in whatever process. */
  private sessionId?: string;
  /** Aborted when the prompt that is on is over. */
  private prompting?: AbortController;
  /** Nothing has been asked in the session yet. */
  isNew = true;

  constructor(
    private readonly parts: ConversationParts,
    { sessionId, moneyMicroUsd }: Known,
  ) {
    const { host, task, options } = parts;
    this.sessionId = sessionId;
    this.till = new Till(host, options.model !== false, moneyMicroUsd);
    this.updates = new Updates(host, this.calls, (money) => this.till.told(money));
    const note = (line: string) => this.updates.note(line);
    this.permissions = new Permissions({ host, profile: task.profile, options, calls: this.calls, note });
  }

  get knows(): Known {
    return { sessionId: this.sessionId, moneyMicroUsd: this.till.moneyMicroUsd };
  }

  /** The process is up, and has a session. @throws as `prompt` */
  async ready(): Promise<void> {
    await this.opened();
  }

  /** The agent's last message, once the turn has come to its end. @throws TurnFailed, AgentBroke, RequestError, LimitReached, WritError */
  async prompt(text: string): Promise<string> {
    const ready = await this.opened();
    this.updates.renew();
    ready.program.renew();
    const answer = await this.till.prompted(() => this.asked(ready, text));
    this.isNew = false;
    await this.updates.settle();
    const parsed = answered.safeParse(answer);
    if (!parsed.success) throw new AgentBroke('The agent answered a prompt with something else.');
    needEndOfTurn(parsed.data.stopReason);
    return this.updates.message;
  }

  /** The agent is told; what it still does is not waited for. */
  cancel(): void {
    if (!this.prompting || !this.session) return;
    this.prompting.abort(new Error('The prompt is cancelled.'));
    this.session.program.cancel(this.session.sessionId);
  }

  async close(): Promise<void> {
    await this.program?.close();
  }

  private async asked({ program, sessionId }: Ready, text: string): Promise<unknown> {
    const prompting = (this.prompting = new AbortController());
    const prompt = [{ type: 'text' as const, text }];
    try {
      return await program.ask(methods.agent.session.prompt, { sessionId, prompt });
    } finally {
      prompting.abort(new Error('The prompt is over.'));
      this.prompting = undefined;
    }
  }

  private async opened(): Promise<Ready> {
    if (this.session && !this.session.program.isOver) return this.session;
    this.session = undefined;
    const program = await this.started();
    const opened = (await this.again(program)) ?? (await this.anew(program));
    await chosen(program, opened, this.parts);
    this.session = { program, sessionId: opened.sessionId };
    return this.session;
  }

  private async started(): Promise<Program> {
    if (this.program && !this.program.isOver) return this.program;
    this.updates.sessionId = undefined;
    this.program = await Program.open(
      {
        start: (over) => launched(this.parts, over),
        heard: (params) => this.updates.hear(params),
        greeted: (line) => this.updates.note(printable(line, greetingCharactersMax)),
        complained: (text) => this.parts.host.output(text),
        permission: (request, signal) => this.permitted(request, signal),
      },
      this.parts.options.startMs,
    );
    return this.program;
  }

  /** What a session repeats of itself while it is taken up is not listened to. */
  private async again(program: Program): Promise<Opened | undefined> {
    if (this.sessionId === undefined) return undefined;
    const opened = await takenUp(program, this.sessionId, this.parts);
    if (opened === 'refused')
      await this.updates.note('[writ] the agent could not take up its session again; it begins anew');
    if (opened === undefined || opened === 'refused') return undefined;
    this.isNew = false;
    this.updates.sessionId = opened.sessionId;
    return opened;
  }

  private async anew(program: Program): Promise<Opened> {
    const opened = await begun(program, this.parts);
    this.isNew = true;
    this.sessionId = this.updates.sessionId = opened.sessionId;
    this.till.moneyMicroUsd = 0;
    return opened;
  }

  /** Outside of a prompt there is nothing to allow. */
  private async permitted(request: RequestPermissionRequest, signal: AbortSignal): Promise<RequestPermissionResponse> {
    const { prompting, session } = this;
    if (!prompting || request.sessionId !== session?.sessionId) return { outcome: { outcome: 'cancelled' } };
    return this.permissions.decide(request, AbortSignal.any([signal, prompting.signal, this.parts.host.signal]));
  }
}
