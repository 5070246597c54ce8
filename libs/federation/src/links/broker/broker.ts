// The broker of an instance: one connection for all its links, kept up for as long as the instance runs.
import { WritError } from '#protocol';
import type { Store } from '#store';
import type { AddressPolicy } from '../address-policy.js';
import { Dialler } from '../dialler.js';
import type { BrokerConnection } from './connection.js';
import type { BrokerOptions } from './options.js';

export interface BrokerSettings {
  readonly options: BrokerOptions;
  /** The instance's id, for the broker's own monitoring. */
  readonly id: string;
  readonly policy: AddressPolicy;
  /** Certificates trusted instead of those that this process trusts, PEM. */
  readonly ca?: string;
  /** A variable of the environment. */
  readonly variable?: (name: string) => string | undefined;
  /** How often each end of a link says how much it has sent; 5 s by default. */
  readonly tallyMs?: number;
}

/** Whether the broker is there; if not, since when (epoch ms) and why. */
export type BrokerStanding =
  { readonly connected: true } | { readonly connected: false; readonly sinceMs: number; readonly reason: string };

type Log = (message: string, error?: unknown) => void;

export interface BrokerKeeping {
  readonly store: Store;
  readonly now: () => number;
  readonly log: Log;
}

export class Broker {
  readonly tallyMs: number;
  #at: BrokerConnection | undefined;
  #standing: BrokerStanding;
  #kept: Promise<void> = Promise.resolve();
  readonly #watchers = new Set<(at: BrokerConnection) => void>();

  constructor(private readonly settings: BrokerSettings) {
    this.tallyMs = settings.tallyMs ?? 5_000;
    this.#standing = { connected: false, sinceMs: Date.now(), reason: 'It has not been dialled yet.' };
  }

  get url(): string {
    return this.settings.options.url;
  }

  get standing(): BrokerStanding {
    return this.#standing;
  }

  /** Dials, and dials again, until the signal; a restart does not reset the back-off. */
  keep({ store, now, log }: BrokerKeeping, signal: AbortSignal): void {
    const task = {
      name: 'broker',
      dial: (stop: AbortSignal) => this.dial(log, stop),
      attend: (at: BrokerConnection) => this.attend(at, now, log),
      failed: (error: unknown) => this.away(now(), reasonOf(error), log, error),
    };
    this.#kept = new Dialler(store, now)
      .keep(task, signal)
      .catch((error: unknown) => log('The broker is not dialled any more.', error));
  }

  /** Resolves when nothing of it is left; after the signal of `keep`. */
  ended(): Promise<void> {
    return this.#kept;
  }

  /** Told of the connection there is, and of every later one, until the returned function is called. */
  watch(met: (at: BrokerConnection) => void): () => void {
    this.#watchers.add(met);
    if (this.#at) met(this.#at);
    return () => void this.#watchers.delete(met);
  }

  /** The connection, as soon as there is one. @throws the reason of the signal. */
  connected(signal: AbortSignal): Promise<BrokerConnection> {
    if (this.#at) return Promise.resolve(this.#at);
    return new Promise((resolve, reject) => {
      const leave = this.watch((at) => {
        signal.removeEventListener('abort', abort);
        leave();
        resolve(at);
      });
      const abort = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  private async dial(log: Log, signal: AbortSignal): Promise<BrokerConnection> {
    const { options, id, policy, ca, variable = () => undefined } = this.settings;
    // The client is loaded by whoever has a broker.
    const [{ BrokerConnection }, { authenticatorOf }] = await Promise.all([
      import('./connection.js'),
      import('./secret.js'),
    ]);
    const authenticator = await authenticatorOf(options, variable);
    const complained = (error: Error): void => log('The broker complains.', error);
    return BrokerConnection.dial(
      { url: options.url, name: `writ ${id}`, policy, ca, authenticator, complained },
      signal,
    );
  }

  private async attend(at: BrokerConnection, now: () => number, log: Log): Promise<true> {
    this.#at = at;
    this.#standing = { connected: true };
    for (const met of [...this.#watchers]) met(at);
    const reason = await at.closed;
    this.#at = undefined;
    this.away(now(), reason, log);
    return true;
  }

  /** Said once for each time that it goes, not for every dial. */
  private away(nowMs: number, reason: string, log: Log, error?: unknown): void {
    const known = this.#standing;
    const sinceMs = known.connected ? nowMs : known.sinceMs;
    this.#standing = { connected: false, sinceMs, reason };
    if (known.connected || known.reason !== reason) log(`The broker is away: ${reason}`, error);
  }
}

/** For logs and `writ doctor`: there is no secret in it. */
function reasonOf(error: unknown): string {
  return error instanceof WritError ? error.detail : 'It could not be dialled.';
}
