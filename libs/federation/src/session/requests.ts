// What this instance has asked a peer and not yet been answered. Requests belong to the peer, not to a link: after a cut
// they are signed anew under the same idempotency key, and an answer to any of the copies settles them.
import { commandBytes, commandBytesMax, commandsMax, WritError } from '#protocol';
import type { CommandEntry, CommandResult, MessageRef, OperationKind, ResultClaims } from '#protocol';
import { Circuit } from './circuit.js';
import { answerOf, LateAnswers, tellLate } from './late.js';
import { isOver, isTimeout, overdue } from './request.js';
import type { Answer, RequestOptions, Waiting } from './request.js';

interface SentMessage {
  readonly h: string;
  readonly raw: string;
  readonly waiting: readonly Waiting[];
  readonly sentAtMs: number;
  left: number;
}

/** Requests of one peer at once; kills do not count. */
const waitingMax = 8_192;
const againMax = 3;
/** Questions that are worth a signature of their own. */
const groupMin = 8;
const defaultTimeoutMs = 60_000;
/** In the order in which they are sent. */
const order: readonly OperationKind[] = ['kill', 'effect', 'query'];

export class Requests {
  readonly #lanes: Record<OperationKind, Waiting[]> = { kill: [], effect: [], query: [] };
  readonly #sent = new Map<string, SentMessage>();
  readonly #late = new LateAnswers();
  #waiting = 0;
  /** From a message to its answer, the last time; a kill takes the time that an agent takes. */
  roundTripMs: number | undefined;
  /** Called when there is something to send. */
  wake: () => void = () => undefined;

  constructor(
    private readonly now: () => number,
    readonly circuit = new Circuit(),
  ) {}

  /** Resolves with the peer's signed answer, whatever it says. @throws WritError `timed_out`, `peer_unavailable` (also while the circuit is open), `rate_limited`, `too_large` */
  add(op: string, kind: OperationKind, args: Record<string, unknown>, options: RequestOptions): Promise<Answer> {
    if (kind !== 'kill' && this.#waiting >= waitingMax) throw tooMany();
    if (kind === 'effect') checkSize(op, args, options);
    options.signal?.throwIfAborted();
    if (kind !== 'kill') this.checkCircuit();
    return new Promise((resolve, reject) => {
      const deadlineMs = this.now() + (options.timeoutMs ?? defaultTimeoutMs);
      const one: Waiting = {
        op,
        kind,
        args,
        options,
        sinceMs: this.now(),
        deadlineMs,
        resolve,
        reject,
        state: 'queued',
        everSent: false,
        again: 0,
      };
      if (options.signal) this.follow(one, options.signal);
      if (options.withdrawal) options.withdrawal.listener = () => this.fail(one, withdrawn());
      this.#waiting += 1;
      this.#lanes[kind].push(one);
      this.wake();
    });
  }

  /** How many have not been answered. */
  get size(): number {
    return this.#waiting;
  }

  /** The next message's worth, all of one kind; undefined when nothing waits. */
  next(urgentOnly = false): Waiting[] | undefined {
    for (const kind of urgentOnly ? order.slice(0, 1) : order) {
      const lane = this.#lanes[kind];
      if (lane.length === 0) continue;
      const batch = lane.splice(0, this.groupMax(kind)).filter((one) => one.state === 'queued');
      if (batch.length > 0) return batch;
    }
    return undefined;
  }

  /** Half of the questions on their way in one message: while one side works on these, the other works on those. */
  private groupMax(kind: OperationKind): number {
    if (kind !== 'query') return commandsMax;
    return Math.min(commandsMax, Math.max(groupMin, Math.ceil(this.#waiting / 2)));
  }

  /** What a batch looks like in a message. */
  entries(batch: readonly Waiting[], gv: number): CommandEntry[] {
    return batch.map(({ op, args, options: { idk, trace } }, n) => {
      const entry: CommandEntry = { id: String(n), op, args, gv };
      if (idk !== undefined) entry.idk = idk;
      if (trace !== undefined) entry.trace = trace;
      return entry;
    });
  }

  sent(ref: MessageRef, raw: string, batch: readonly Waiting[]): void {
    for (const one of batch) {
      one.state = 'sent';
      one.everSent = true;
    }
    this.#sent.set(ref.jti, { h: ref.h, raw, waiting: batch, sentAtMs: this.now(), left: batch.length });
  }

  /** Takes a verified result. Returns the message that it answers; undefined when nobody asked. */
  settle({
    req,
    results,
    err,
    diffS,
  }: ResultClaims): { readonly raw: string; readonly kind: OperationKind } | undefined {
    const message = this.#sent.get(req.jti);
    if (!message) return this.settleLate({ req, results });
    if (message.h !== req.h) return undefined;
    this.circuit.answered();
    if (message.waiting[0]?.kind !== 'kill') this.roundTripMs = this.now() - message.sentAtMs;
    if (err !== undefined) for (const one of message.waiting) this.refused(one, err, diffS);
    for (const result of results ?? []) this.answered(message, result);
    if (err !== undefined || message.left <= 0) this.#sent.delete(req.jti);
    return { raw: message.raw, kind: message.waiting[0]?.kind ?? 'query' };
  }

  private settleLate(claims: Pick<ResultClaims, 'req' | 'results'>) {
    const late = this.#late.settle(claims);
    if (late) this.circuit.answered();
    return late;
  }

  /** A new session: whatever was sent on an older one is sent again, signed anew. */
  resume(): void {
    for (const { waiting } of this.#sent.values()) for (const one of waiting) this.requeue(one);
    this.wake();
  }

  /** Fails what is overdue and forgets messages that nobody waits for. */
  sweep(): void {
    const now = this.now();
    for (const kind of order) this.#lanes[kind].forEach((one) => this.expire(one, now));
    for (const [jti, { waiting }] of this.#sent) {
      for (const one of waiting) this.expire(one, now);
      if (waiting.every(isOver)) this.forget(jti);
    }
    for (const kind of order) this.#lanes[kind] = this.#lanes[kind].filter((one) => one.state === 'queued');
  }

  private forget(jti: string): void {
    const message = this.#sent.get(jti);
    if (message) this.#late.keep(jti, message);
    this.#sent.delete(jti);
  }

  /** Fails everything that waits. */
  failAll(error: WritError): void {
    for (const kind of order) for (const one of this.#lanes[kind].splice(0)) this.fail(one, error);
    for (const { waiting } of this.#sent.values()) for (const one of waiting) this.fail(one, error);
    this.#sent.clear();
  }

  fail(one: Waiting, error: unknown): void {
    const isLate = one.everSent && one.options.late !== undefined;
    if (this.finish(one, isLate ? 'late' : 'done')) one.reject(error);
  }

  private follow(one: Waiting, signal: AbortSignal): void {
    one.abort = () => (isTimeout(signal.reason) ? this.tooLate(one) : this.fail(one, signal.reason));
    signal.addEventListener('abort', one.abort, { once: true });
  }

  private answered(message: SentMessage, result: CommandResult): void {
    const one = message.waiting[Number(result.id)];
    if (!one || String(Number(result.id)) !== result.id) return;
    message.left -= 1;
    if (one.state === 'done') return;
    const answer = answerOf(one.op, result);
    if (!answer) this.fail(one, new WritError('schema', `The peer's answer to ${one.op} has not its shape.`));
    else if (one.state === 'late') tellLate(one, answer);
    else this.resolve(one, answer);
  }

  private refused(one: Waiting, err: NonNullable<ResultClaims['err']>, diffS = 0): void {
    const retried = err === 'unknown_outcome' || err === 'session';
    if (retried && one.again < againMax) {
      one.again += 1;
      this.requeue(one);
      this.wake();
    } else if (err === 'clock') {
      this.fail(one, new WritError('clock', `The peer's clock is ${diffS} s ahead of ours.`));
    } else {
      this.fail(one, new WritError(err, 'The peer did not take the message.'));
    }
  }

  private requeue(one: Waiting): void {
    if (one.state !== 'sent') return;
    one.state = 'queued';
    this.#lanes[one.kind].push(one);
  }

  private expire(one: Waiting, now: number): void {
    if (!isOver(one) && one.deadlineMs <= now) this.tooLate(one);
  }

  private tooLate(one: Waiting): void {
    if (one.everSent && one.kind !== 'kill' && !isOver(one)) this.circuit.overdue(this.now() - one.sinceMs);
    this.fail(one, overdue(one));
  }

  private checkCircuit(): void {
    const retryAfterMs = this.circuit.waitMs();
    if (retryAfterMs === 0) return;
    const detail = 'It is connected and has not answered several times in a row: it is asked again later.';
    throw new WritError('peer_unavailable', detail, { retryAfterMs });
  }

  private resolve(one: Waiting, answer: Answer): void {
    if (this.finish(one, 'done')) one.resolve(answer);
  }

  private finish(one: Waiting, state: 'late' | 'done'): boolean {
    if (isOver(one)) return false;
    one.state = state;
    this.#waiting -= 1;
    const { signal, withdrawal } = one.options;
    if (one.abort) signal?.removeEventListener('abort', one.abort);
    if (withdrawal) withdrawal.listener = undefined;
    return true;
  }
}

function withdrawn(): Error {
  return new Error('Nobody waits for the answer any more.');
}

function tooMany(): WritError {
  return new WritError('rate_limited', `${waitingMax} requests wait for this peer.`, { retryAfterMs: 1_000 });
}

function checkSize(op: string, args: Record<string, unknown>, { idk, trace }: RequestOptions): void {
  if (commandBytes({ id: '63', op, args, gv: Number.MAX_SAFE_INTEGER, idk, trace }) > commandBytesMax) {
    throw new WritError('too_large', `A command has at most ${commandBytesMax} bytes.`);
  }
}
