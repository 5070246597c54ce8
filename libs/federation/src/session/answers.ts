// The answers to one command message: gathered as its commands end, sealed in groups, kept for a resend of the same bytes.
import { commandsMax, type CommandResult, type OperationKind } from '#protocol';
import type { Reply } from '../links/link.js';

export class AnswerSheet {
  readonly #ready: CommandResult[] = [];
  #groupMax = commandsMax;
  #left: number;
  #answers: string[] = [];
  /** Set while it waits for the sender. */
  queued = false;

  constructor(
    /** The exact message. */
    readonly raw: string,
    readonly jti: string,
    readonly h: string,
    readonly kind: OperationKind,
    /** Epoch ms after which no copy of the message is valid. */
    readonly untilMs: number,
    commands: number,
    private readonly reply: Reply | undefined,
  ) {
    this.#left = commands;
  }

  add(result: CommandResult): void {
    this.#ready.push(result);
  }

  /** What has come since the last time, as far as it fits into one message by what is known of its like. */
  take(): CommandResult[] {
    return this.#ready.splice(0, this.#groupMax);
  }

  /** So many fit at most; the rest waits for the next message. */
  giveBack(rest: readonly CommandResult[], groupMax: number): void {
    this.#groupMax = groupMax;
    this.#ready.unshift(...rest);
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  /** Sends on the message's own way back when it has one, and ends it with the last answer. */
  sealed(raw: string, results: number, send: (raw: string) => void): void {
    if (this.reply) this.reply.send(raw);
    else send(raw);
    if (this.kind !== 'query') this.#answers.push(raw);
    this.#left -= results;
    if (this.done) this.reply?.end();
  }

  get done(): boolean {
    return this.#left <= 0;
  }

  /** The sealed answers so far, for a copy of the message. */
  get answers(): readonly string[] {
    return this.#answers;
  }
}
