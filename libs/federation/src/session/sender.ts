// Sends for one session. Like a group commit: what becomes ready while a message is being signed and sent goes into the
// next one. Alone, a command goes at once; under load one signature covers up to 64.
import { commandLifetimeS, problemOf, WritError } from '#protocol';
import type { AckClaims, CommandResult } from '#protocol';
import type { EventAck, EventBatch } from '../journal/position.js';
import type { Link } from '../links/link.js';
import type { AnswerSheet } from './answers.js';
import type { Waiting } from './request.js';
import type { Requests } from './requests.js';
import { refOf } from './seal.js';
import type { Seal } from './seal.js';

/** Unsent bytes in a socket; beyond it only what is already sealed goes, so that a kill never stands behind a heap. */
const unsentBytesMax = 262_144;
/** Answers of a peer that does not read; beyond it the link is given up. */
const sheetsMax = 4_096;

type AckPart = Pick<AckClaims, 'epo' | 'seq' | 'h' | 'again'>;

export interface SenderTargets {
  readonly link: Link;
  readonly seal: Seal;
  readonly requests: Requests;
  /** The receiver's nonce of this session, and the grant version that it said last. */
  session(): { readonly sn: string; readonly gv: number };
  /** Told of a command message with an effect, and of a result message that answers one or denies anything: for the receipts. */
  asked(raw: string): void;
  answered(sheet: AnswerSheet, raw: string): Promise<void>;
  drained(): void;
}

export class Sender {
  #sheets: AnswerSheet[] = [];
  #ack: AckPart | undefined;
  #scheduled = false;
  #open = false;

  constructor(private readonly targets: SenderTargets) {}

  /** From now on requests go out here. */
  open(): void {
    this.#open = true;
    this.targets.link.onDrain(() => this.drained());
    this.wake();
  }

  close(): AnswerSheet[] {
    this.#open = false;
    const left = this.#sheets;
    this.#sheets = [];
    return left;
  }

  /** Something may be sent: at the end of this turn of the event loop, together with what comes until then. */
  readonly wake = (): void => {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#flush);
  };

  /** The sheet has answers that can be sent. */
  answer(sheet: AnswerSheet): void {
    if (sheet.queued) return;
    sheet.queued = true;
    if (this.#sheets.push(sheet) > sheetsMax) this.targets.link.close(1013, 'answers are not taken');
    this.wake();
  }

  /** Acks are cumulative: only the latest that has not gone is sent. */
  ack(ack: EventAck): void {
    const { epo, seq, h, again } = ack;
    this.#ack = again === true || this.#ack?.again === true ? { epo, seq, h, again: true } : { epo, seq, h };
    this.wake();
  }

  events({ epo, seq, prev, events }: EventBatch): void {
    this.targets.link.send(this.targets.seal.message('writ-evt+jws', { epo, seq, prev, events }).raw);
  }

  get crowded(): boolean {
    return this.targets.link.bufferedBytes >= unsentBytesMax;
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    while (!this.crowded && this.one());
  };

  /** Seals and sends one message, kills first; false when nothing waits. */
  private one(): boolean {
    if (this.#open && this.commands(true)) return true;
    if (this.#ack) return this.sendAck(this.#ack);
    const sheet = this.#sheets.shift();
    if (sheet) return this.results(sheet);
    return this.#open && this.commands(false);
  }

  private commands(urgentOnly: boolean): boolean {
    const batch = this.targets.requests.next(urgentOnly);
    if (batch) this.sealCommands(batch);
    return batch !== undefined;
  }

  private sealCommands(batch: readonly Waiting[]): void {
    const { requests, seal, link } = this.targets;
    const { sn, gv } = this.targets.session();
    try {
      const sealed = seal.message('writ-cmd+jws', { sn, cmds: requests.entries(batch, gv) }, commandLifetimeS);
      link.send(sealed.raw);
      requests.sent(refOf(sealed), sealed.raw, batch);
      if (batch[0]?.kind !== 'query') this.targets.asked(sealed.raw);
    } catch (error) {
      if (batch.length === 1) for (const one of batch) requests.fail(one, error);
      else for (const half of halves(batch)) this.sealCommands(half);
    }
  }

  private results(sheet: AnswerSheet): true {
    const results = sheet.take();
    if (results.length > 0) this.sealResults(sheet, results);
    sheet.queued = sheet.hasReady;
    if (sheet.queued) this.#sheets.unshift(sheet);
    return true;
  }

  /**
   * Of a group that does not fit into one message a half is tried, and the rest goes when the socket has taken that;
   * a single answer that does not fit is said to be too large.
   */
  private sealResults(sheet: AnswerSheet, results: readonly CommandResult[]): void {
    const { seal, link } = this.targets;
    let raw: string;
    try {
      raw = seal.message('writ-res+jws', { req: { jti: sheet.jti, h: sheet.h }, results }).raw;
    } catch {
      const [first = [], rest = []] = results.length > 1 ? halves(results) : [results.map(unsendable)];
      if (rest.length > 0) sheet.giveBack(rest, first.length);
      this.sealResults(sheet, first);
      return;
    }
    const send = (): void => sheet.sealed(raw, results.length, (message) => link.send(message));
    if (sheet.kind === 'query' && !results.some(isDenial)) send();
    else void this.targets.answered(sheet, raw).then(send);
  }

  private sendAck(ack: AckPart): true {
    this.#ack = undefined;
    this.targets.link.send(this.targets.seal.message('writ-ack+jws', ack).raw);
    return true;
  }

  private drained(): void {
    if (this.#ack || this.#sheets.length > 0 || this.targets.requests.size > 0) this.wake();
    this.targets.drained();
  }
}

function halves<T>(items: readonly T[]): (readonly T[])[] {
  const middle = items.length >> 1;
  return [items.slice(0, middle), items.slice(middle)];
}

function isDenial({ st }: CommandResult): boolean {
  return st === 'denied';
}

function unsendable({ id, gv }: CommandResult): CommandResult {
  const body = problemOf(new WritError('too_large', 'The answer does not fit into one message: ask for less.'));
  return { id, gv, st: 'error', code: 'too_large', body };
}
