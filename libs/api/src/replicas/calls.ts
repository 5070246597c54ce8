// Questions of one process to another of the same instance, over the store that they share: for what only one of them can
// answer, because it has the link, the agent or the file.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { problemOf, WritError, type Problem } from '#protocol';
import { StreamTail, type Key, type Replicas, type Store } from '#store';

interface Question {
  readonly kind: 'question';
  readonly from: string;
  readonly to: string;
  readonly id: string;
  readonly name: string;
  readonly args: unknown;
}

interface Reply {
  readonly kind: 'reply';
  readonly to: string;
  readonly id: string;
  readonly body?: unknown;
  readonly problem?: Problem;
}

interface Waiting {
  readonly to: string;
  resolve(body: unknown): void;
  reject(error: WritError): void;
}

/** How long an answer is waited for: so many milliseconds, or until the signal. */
interface Patience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Answers what another process asks. What it throws is thrown there. */
export type AnswerCall = (name: string, args: unknown) => Promise<unknown>;

const callsOf: Key = ['replicas', 'calls'];
/** Each is taken within moments; nobody comes back for one. */
const callsKeptMax = 200;
const againMs = 1_000;

export class Calls {
  readonly #waiting = new Map<string, Waiting>();
  readonly #stop = new AbortController();
  readonly #tail: StreamTail;
  #watching: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Store,
    private readonly replicas: Replicas,
    private readonly answer: AnswerCall,
    private readonly failed: (error: unknown) => void,
  ) {
    this.#tail = new StreamTail(store, callsKeptMax);
    replicas.onGone((gone) => this.givenUp(gone));
  }

  /** Hears what is asked from then on: to be done before anybody is told that this process is there. */
  async begin(): Promise<void> {
    if (!this.replicas.isShared) return;
    this.#watching = this.watch(await this.store.head(callsOf));
  }

  async end(): Promise<void> {
    this.#stop.abort();
    await this.#watching;
  }

  /** @throws WritError as the other one did, `peer_unavailable` when it is gone, `timed_out` */
  async ask<T>(to: string, name: string, args: unknown, { timeoutMs, signal }: Patience): Promise<T> {
    const id = randomUUID();
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#waiting.set(id, { to, resolve, reject });
    const timer = setTimeout(() => reject(late()), timeoutMs);
    const enough = (): void => reject(late());
    signal?.addEventListener('abort', enough, { once: true });
    const question: Question = { kind: 'question', from: this.replicas.id, to, id, name, args };
    try {
      await this.store.commit({ appends: [{ stream: callsOf, value: question }] });
      return (await promise) as T;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', enough);
      this.#waiting.delete(id);
    }
  }

  private givenUp(gone: string): void {
    for (const one of this.#waiting.values()) if (one.to === gone) one.reject(away());
  }

  private async watch(from: number): Promise<void> {
    const { signal } = this.#stop;
    const isOver = () => signal.aborted;
    for (let cursor = from; !isOver();) {
      try {
        for await (const record of this.store.watch<Question | Reply>(callsOf, cursor, signal)) {
          this.take(record.value);
          await this.#tail.passed(callsOf, cursor, record.cursor);
          cursor = record.cursor;
        }
      } catch (error) {
        if (!isOver()) this.failed(error);
        await sleep(againMs, undefined, { signal, ref: false }).catch(() => undefined);
        cursor = await this.store.head(callsOf).catch(() => cursor);
      }
    }
  }

  private take(call: Question | Reply): void {
    if (call.to !== this.replicas.id) return;
    if (call.kind === 'question') void this.reply(call).catch(this.failed);
    else if (call.problem) this.#waiting.get(call.id)?.reject(errorOf(call.problem));
    else this.#waiting.get(call.id)?.resolve(call.body);
  }

  private async reply({ from, id, name, args }: Question): Promise<void> {
    const said = await this.answer(name, args).then(
      (body) => ({ body }),
      (error: unknown) => ({ problem: problemOf(error) }),
    );
    const value: Reply = { kind: 'reply', to: from, id, ...said };
    await this.store.commit({ appends: [{ stream: callsOf, value }] });
  }
}

function errorOf({ code, detail, field, retryAfterMs }: Problem): WritError {
  return new WritError(code, detail, { field, retryAfterMs });
}

function away(): WritError {
  return new WritError('peer_unavailable', 'The replica that could answer has gone: ask again.');
}

function late(): WritError {
  return new WritError('timed_out', 'The replica that could answer did not answer in time.');
}
