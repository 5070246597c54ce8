// One receiver of events, a webhook or a push notification of A2A: reads them after its cursor and sends them one by one, in order.
//
//   waiting for the lease → sending ⇄ backing off → (410) stopped, or done after the last
//
// The cursor moves only after a 2xx, in the store and under the lease: each event is taken at least once, whatever ends in between.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lease } from '#store';
import type { Logger } from 'pino';
import type { EventGap, EventPiece, Gateway } from '../gateway.js';
import type { Message } from './message.js';
import type { Outcome, Receiver } from './receiver.js';
import { leaseMs, type Standing, type Standings } from './standings.js';
import { delayMs, type Tempo } from './tempo.js';

/** What is sent of an event; after the last nothing follows. */
export interface Note extends Message {
  readonly isLast?: boolean;
}

export interface CourierParts {
  /** Where it has got to is kept under it. */
  readonly name: string;
  /** In words for the log. */
  readonly what: string;
  readonly wants: (piece: EventPiece | EventGap) => boolean;
  readonly note: (piece: EventPiece | EventGap) => Note | Promise<Note>;
  /** Asked before each try; nobody wants it any more once it says so. */
  readonly isStillWanted?: () => Promise<boolean>;
  readonly gateway: Pick<Gateway, 'events' | 'eventsEnd'>;
  readonly receiver: Receiver;
  readonly standings: Standings;
  readonly tempo: Tempo;
  readonly log: Logger;
}

/** What happened in this process. */
export interface Tally {
  delivered: number;
  failed: number;
  missing: number;
}

/** So many events that the hook does not want are passed before that is written down. */
const passedMax = 200;

export class Courier {
  readonly tally: Tally = { delivered: 0, failed: 0, missing: 0 };
  private standing: Standing = { cursor: null, failures: 0 };
  private passed = 0;
  private isOver = false;

  constructor(private readonly of: CourierParts) {}

  /** Until `signal`; true when there is no more to send, or nobody to send it to. `cut` ends a request that is under way then. */
  async run(signal: AbortSignal, cut: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      const ended = await this.turn(signal, cut).catch((error: unknown) => this.fell(error, signal));
      if (ended) return true;
      await rest(this.of.tempo.restMs, signal);
    }
    return false;
  }

  private async turn(signal: AbortSignal, cut: AbortSignal): Promise<boolean> {
    const lease = await this.of.standings.take(this.of.name);
    if (!lease) return false;
    const lost = new AbortController();
    const renewing = setInterval(() => void this.renew(lease, lost), leaseMs / 3).unref();
    try {
      return await this.send(lease, AbortSignal.any([signal, lost.signal]), cut);
    } finally {
      clearInterval(renewing);
      await this.of.standings.release(lease).catch(() => undefined);
    }
  }

  /** A store that fails is found out by the next commit. */
  private async renew(lease: Lease, lost: AbortController): Promise<void> {
    if (!(await this.of.standings.isStillOurs(lease).catch(() => true))) lost.abort();
  }

  private async send(lease: Lease, signal: AbortSignal, cut: AbortSignal): Promise<boolean> {
    await this.begin(lease);
    try {
      for await (const piece of this.of.gateway.events(this.standing.cursor ?? undefined, signal)) {
        if (!this.of.wants(piece)) await this.pass(piece.cursor, lease);
        else if (!(await this.deliver(piece, lease, signal, cut))) break;
      }
    } finally {
      if (this.passed > 0) await this.keep(lease, this.standing);
    }
    return this.isOver || this.standing.isStopped === true;
  }

  /** A hook that was never seen begins with what happens from now on. */
  private async begin(lease: Lease): Promise<void> {
    const found = await this.of.standings.find(this.of.name);
    const { isStopped, ...standing } = found ?? { cursor: (await this.of.gateway.eventsEnd()) ?? null, failures: 0 };
    this.standing = standing;
    this.passed = 0;
    if (!found || isStopped) await this.keep(lease, standing);
  }

  private async pass(cursor: string, lease: Lease): Promise<void> {
    this.standing = { ...this.standing, cursor };
    this.passed += 1;
    if (this.passed >= passedMax) await this.keep(lease, this.standing);
  }

  /** True when it was taken and more may follow; false when it stopped or has to leave off. */
  private async deliver(
    piece: EventPiece | EventGap,
    lease: Lease,
    signal: AbortSignal,
    cut: AbortSignal,
  ): Promise<boolean> {
    const { isLast = false, ...message } = await this.of.note(piece);
    while ((await this.isDue(signal)) && (await this.isWanted())) {
      const outcome = await this.of.receiver.post(message, cut);
      if (outcome.kind === 'failed' && cut.aborted) return false;
      await this.settle(piece, outcome, lease);
      this.isOver = isLast && outcome.kind === 'taken';
      if (outcome.kind !== 'failed') return outcome.kind === 'taken' && !isLast;
    }
    return false;
  }

  private async isWanted(): Promise<boolean> {
    this.isOver = !((await this.of.isStillWanted?.()) ?? true);
    return !this.isOver;
  }

  private async settle(piece: EventPiece | EventGap, outcome: Outcome, lease: Lease): Promise<void> {
    if (outcome.kind === 'failed') return this.failed(outcome, lease);
    if (outcome.kind === 'gone') return this.gone(lease);
    if (this.standing.failures > 0) this.of.log.info({ hook: this.of.name }, `a ${this.of.what} is taken again`);
    await this.keep(lease, { cursor: piece.cursor, failures: 0 });
    this.tally.delivered += 1;
    if ('missing' in piece) this.tally.missing += piece.missing;
  }

  private async failed({ reason, retryAfterMs }: Extract<Outcome, { kind: 'failed' }>, lease: Lease): Promise<void> {
    const { name, what, standings, tempo, log } = this.of;
    const now = await standings.now();
    const { cursor, failingSince = now } = this.standing;
    const failures = this.standing.failures + 1;
    const nextTryAt = now + delayMs(failures, retryAfterMs, tempo);
    await this.keep(lease, { cursor, failures, failingSince, nextTryAt, reason });
    this.tally.failed += 1;
    const level = failures === 1 ? 'warn' : 'debug';
    log[level]({ hook: name, reason, failures }, `a ${what} was not taken; it is tried again`);
  }

  private async gone(lease: Lease): Promise<void> {
    const failingSince = this.standing.failingSince ?? (await this.of.standings.now());
    await this.keep(lease, { ...this.standing, failingSince, reason: 'it answered 410', isStopped: true });
    this.of.log.warn({ hook: this.of.name }, `a ${this.of.what} is gone (410); it is not sent to until the next start`);
  }

  /** Waits for the next try, one of an earlier process included; a clock that stepped makes it no longer than the longest. */
  private async isDue(signal: AbortSignal): Promise<boolean> {
    const { nextTryAt } = this.standing;
    if (nextTryAt !== undefined)
      await rest(Math.min(nextTryAt - (await this.of.standings.now()), this.of.tempo.longestMs), signal);
    return !signal.aborted;
  }

  private async keep(lease: Lease, standing: Standing): Promise<void> {
    await this.of.standings.keep(this.of.name, lease, standing);
    this.standing = standing;
    this.passed = 0;
  }

  private fell(error: unknown, signal: AbortSignal): undefined {
    if (!signal.aborted) this.of.log.warn({ err: error, hook: this.of.name }, `a ${this.of.what} begins anew`);
  }
}

async function rest(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal, ref: false }).catch(() => undefined);
}
