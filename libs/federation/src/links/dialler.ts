// Keeps one link, or the connection to a broker, up: dials, hands it over, and dials again with a jittered exponential back-off that a restart does not reset.
import { setTimeout as sleep } from 'node:timers/promises';
import type { Key, Store } from '#store';

/** A link, or the connection to a broker. */
interface Dialled {
  close(code: number, reason: string): void;
}

/** What to keep up. */
export interface DialTask<T extends Dialled> {
  /** Names the other end; its back-off is kept under this name. */
  readonly name: string;
  dial(signal: AbortSignal): Promise<T>;
  /** Uses it to its end. True when it was of use (a session came about), and then the back-off begins anew. */
  attend(dialled: T): Promise<boolean>;
  /** Told of every attempt that failed, for logs. */
  failed?(error: unknown): void;
}

/** How often it failed since it last was of use, and when it may be tried again (epoch ms). */
interface BackOff {
  readonly failures: number;
  readonly notBefore: number;
}

const firstDelayMs = 500;
const delayMsMax = 60_000;
/** A link that stands for so long was of use: longer than any handshake takes. */
const standsMs = 10_000;

export class Dialler {
  constructor(
    private readonly store: Pick<Store, 'get' | 'commit'>,
    private readonly now: () => number = Date.now,
    private readonly random: () => number = Math.random,
  ) {}

  /** Until the signal aborts; then the link is closed (1001) and the promise resolves. */
  async keep<T extends Dialled>(task: DialTask<T>, signal: AbortSignal): Promise<void> {
    const key: Key = ['federation', 'dial', task.name];
    let { failures, notBefore } = (await this.store.get<BackOff>(key))?.value ?? { failures: 0, notBefore: 0 };
    while (!signal.aborted) {
      if (!(await this.waited(notBefore, signal))) return;
      await this.keepFor(key, failures + 1);
      failures = (await this.attempt(task, signal, key)) ? 0 : failures + 1;
      notBefore = await this.keepFor(key, failures);
    }
  }

  /** Counted before the attempt: a process that dies of it, again and again, does not dial faster than one that fails. */
  private async keepFor(key: Key, failures: number): Promise<number> {
    const notBefore = this.now() + this.delayMs(failures);
    await this.store.commit({ puts: [{ key, value: { failures, notBefore } satisfies BackOff }] });
    return notBefore;
  }

  private async attempt<T extends Dialled>(task: DialTask<T>, signal: AbortSignal, key: Key): Promise<boolean> {
    let stands: NodeJS.Timeout | undefined;
    try {
      const link = await task.dial(signal);
      stands = setTimeout(() => void this.keepFor(key, 0).catch(() => undefined), standsMs).unref();
      const leave = (): void => link.close(1001, 'going away');
      if (signal.aborted) leave();
      signal.addEventListener('abort', leave, { once: true });
      const useful = await task.attend(link);
      signal.removeEventListener('abort', leave);
      return useful;
    } catch (error) {
      if (!signal.aborted) task.failed?.(error);
      return false;
    } finally {
      clearTimeout(stands);
    }
  }

  /** Between half and all of 0.5 s, 1 s, 2 s … 60 s. */
  private delayMs(failures: number): number {
    const full = Math.min(delayMsMax, firstDelayMs * 2 ** Math.min(failures, 16));
    return full / 2 + this.random() * (full / 2);
  }

  /** False when the signal aborted meanwhile. A clock that was set back never makes it wait longer than the longest delay. */
  private async waited(until: number, signal: AbortSignal): Promise<boolean> {
    const delayMs = Math.min(until - this.now(), delayMsMax);
    if (delayMs > 0) await sleep(delayMs, undefined, { signal, ref: false }).catch(() => undefined);
    return !signal.aborted;
  }
}
