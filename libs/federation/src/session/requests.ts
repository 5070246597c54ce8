// What this instance has asked a peer and not yet been answered. Requests belong to the peer, not to a link: after a cut
// they are signed anew under the same idempotency key, and an answer to any of the copies settles them.
import { commandBytes, commandBytesMax, commandsMax, operation, WritError } from '#protocol';
import type { CommandEntry, CommandResult, MessageRef, OperationKind, Problem, ResultClaims } from '#protocol';

/** One caller's way to wait no longer; an `AbortController` for every request costs more than the request's schema. */
export class Withdrawal {
  listener: (() => void) | undefined;

  withdraw(): void {
    this.listener?.();
  }
}

export interface RequestOptions {
  /** For operations with an effect: names it once and for all. */
  readonly idk?: string;
  /** 60 s by default; looked at every quarter of a second. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly withdrawal?: Withdrawal;
  /** W3C `traceparent`. */
  readonly trace?: string;
}

/** What the peer said. `gv` is the version of the grant that decided. */
export type Answer =
  | { readonly st: 'ok'; readonly gv: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly st: 'denied' | 'error'; readonly code: Problem['code']; readonly gv: number; readonly body: Problem };

/** One request on its way. */
export interface Waiting {
  readonly op: string;
  readonly kind: OperationKind;
  readonly args: Record<string, unknown>;
  readonly options: RequestOptions;
  readonly deadlineMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  state: 'queued' | 'sent' | 'done';
  everSent: boolean;
  again: number;
  /** Listens to the caller's signal until it is done. */
  abort?: () => void;
}

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
  #waiting = 0;
  /** From a message to its answer, the last time; a kill takes the time that an agent takes. */
  roundTripMs: number | undefined;
  /** Called when there is something to send. */
  wake: () => void = () => undefined;

  constructor(private readonly now: () => number) {}

  /** Resolves with the peer's signed answer, whatever it says. @throws WritError `timed_out`, `peer_unavailable`, `rate_limited`, `too_large` */
  add(op: string, kind: OperationKind, args: Record<string, unknown>, options: RequestOptions): Promise<Answer> {
    if (kind !== 'kill' && this.#waiting >= waitingMax) throw tooMany();
    if (kind === 'effect') checkSize(op, args, options);
    options.signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const deadlineMs = this.now() + (options.timeoutMs ?? defaultTimeoutMs);
      const one: Waiting = {
        op,
        kind,
        args,
        options,
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
    if (message?.h !== req.h) return undefined;
    if (message.waiting[0]?.kind !== 'kill') this.roundTripMs = this.now() - message.sentAtMs;
    if (err !== undefined) for (const one of message.waiting) this.refused(one, err, diffS);
    for (const result of results ?? []) this.answered(message, result);
    if (err !== undefined || message.left <= 0) this.#sent.delete(req.jti);
    return { raw: message.raw, kind: message.waiting[0]?.kind ?? 'query' };
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
      if (waiting.every((one) => one.state === 'done')) this.#sent.delete(jti);
    }
    for (const kind of order) this.#lanes[kind] = this.#lanes[kind].filter((one) => one.state === 'queued');
  }

  /** Fails everything that waits. */
  failAll(error: WritError): void {
    for (const kind of order) for (const one of this.#lanes[kind].splice(0)) this.fail(one, error);
    for (const { waiting } of this.#sent.values()) for (const one of waiting) this.fail(one, error);
    this.#sent.clear();
  }

  fail(one: Waiting, error: unknown): void {
    if (this.finish(one)) one.reject(error);
  }

  private follow(one: Waiting, signal: AbortSignal): void {
    one.abort = () => this.fail(one, signal.reason);
    signal.addEventListener('abort', one.abort, { once: true });
  }

  private answered(message: SentMessage, result: CommandResult): void {
    const one = message.waiting[Number(result.id)];
    if (!one || String(Number(result.id)) !== result.id) return;
    message.left -= 1;
    if (one.state === 'done') return;
    if (result.st !== 'ok') this.resolve(one, result);
    else this.resolveOk(one, result.gv, result.body);
  }

  private resolveOk(one: Waiting, gv: number, body: Record<string, unknown>): void {
    const parsed = operation(one.op)?.body.safeParse(body);
    if (parsed?.success) this.resolve(one, { st: 'ok', gv, body: parsed.data as Record<string, unknown> });
    else this.fail(one, new WritError('schema', `The peer's answer to ${one.op} has not the shape of that operation.`));
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
    if (one.state === 'done' || one.deadlineMs > now) return;
    const detail = one.everSent ? 'The peer has not answered.' : 'The peer was not connected in time.';
    this.fail(one, new WritError(one.everSent ? 'timed_out' : 'peer_unavailable', detail));
  }

  private resolve(one: Waiting, answer: Answer): void {
    if (this.finish(one)) one.resolve(answer);
  }

  private finish(one: Waiting): boolean {
    if (one.state === 'done') return false;
    one.state = 'done';
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
