// What a side has bound itself to, and may not say twice: how a command ended, what a message was, which events it sent.
import { createHash } from 'node:crypto';
import { chainOver } from '../chain.js';
import type { CommandResult } from '../claims.command.js';
import type { Said } from './messages.js';

/** Two messages that cannot both be true; the first one is read again from its line. */
export interface Contradiction {
  readonly what: string;
  readonly firstLine: number;
  readonly line: number;
  readonly row: number;
  readonly token: string;
}

interface Kept {
  readonly hash: string;
  readonly line: number;
}

/** Of one pass, so that memory is bounded however long the log is. */
export const promisesMax = 200_000;
const epochsMax = 1_024;

/** Keeps the promises of one of `passes` parts of all there are. */
export class Promises {
  readonly #kept = new Map<string, Kept>();
  readonly contradictions: Contradiction[] = [];

  constructor(
    private readonly pass: number,
    private readonly passes: number,
  ) {}

  take({ jti, h, claims }: Said, token: string, line: number, row: number): void {
    const at = { token, line, row };
    const {
      cmds,
      req,
      results = [],
    } = claims as {
      cmds?: unknown;
      req?: { jti: string; h: string };
      results?: readonly CommandResult[];
    };
    if (cmds) this.promise(`message ${jti}`, h, 'Two commands were signed under one message id.', at);
    if (!req) return;
    this.promise(
      `message ${req.jti}`,
      req.h,
      'An answer names another message than the one that was sent under that id.',
      at,
    );
    for (const result of results)
      this.promise(
        `result ${req.jti} ${result.id}`,
        JSON.stringify(result),
        'Two different results were signed for one command.',
        at,
      );
  }

  private promise(name: string, said: string, what: string, at: { token: string; line: number; row: number }): void {
    const key = sha256(name);
    if (Number.parseInt(key.slice(0, 8), 16) % this.passes !== this.pass) return;
    const hash = sha256(said).slice(0, 32);
    const known = this.#kept.get(key);
    if (!known) this.#kept.set(key, { hash, line: at.line });
    else if (known.hash !== hash && this.contradictions.length < 100)
      this.contradictions.push({ what, firstLine: known.line, ...at });
  }
}

interface Heard {
  readonly seq: number;
  readonly h: string;
  readonly token: string;
}

/** The event chain of each epoch, as the messages of the log continue it. */
export class Journals {
  readonly #heard = new Map<string, Heard>();

  /** The earlier message when this one continues another chain than that began. */
  contradicts({ claims }: Said, token: string): string | undefined {
    const { epo, seq, prev, events } = claims as { epo: string; seq: number; prev: string; events: string[] };
    const known = this.#heard.get(epo);
    if (this.#heard.size < epochsMax || known)
      this.#heard.set(epo, { seq: seq + events.length - 1, h: chainOver(prev, events), token });
    return known && known.seq === seq - 1 && known.h !== prev ? known.token : undefined;
  }
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
