// The connection to the server. Nothing passes before the server has said which life of the data it holds; when it is
// away, callers wait a bounded time and then learn that it is unavailable. [L-2]
import { randomUUID } from 'node:crypto';
import { Redis, type RedisOptions } from 'ioredis';
import { StoreError } from '../error.js';
import type { ServerKeys } from './keys.js';
import { commitScript, establishScript, formatReply, listScript, lostReply, type ValkeyFormats } from './scripts.js';
import { inspectServer } from './server.js';

/** Reconnecting waits between these, doubling, with jitter. */
const retryMinMs = 50;
const retryMaxMs = 2_000;
/** More calls than this do not wait for the server's answer: the next is refused. */
const waitingMax = 65_536;

/** The client with our scripts as commands; it sends their hash and, to a server that has forgotten, their text. */
export interface ScriptedRedis extends Redis {
  writCommit(keyCount: number, ...keysAndArguments: (string | number)[]): Promise<[number, ...(string | number)[]]>;
  writList(keyCount: 1, ...keysAndArguments: (string | number | Buffer)[]): Promise<(string | null)[]>;
  writEstablish(keyCount: number, ...keysAndArguments: string[]): Promise<string>;
}

export class Connection {
  readonly client: ScriptedRedis;
  #incarnation = '';
  #live = false;
  #closed = false;
  #refusal: StoreError | null = null;
  #lastError: unknown;
  #waiting = 0;
  #gate = openGate();

  /** @param changed Called after every (re)connection, when watchers have to look again. */
  constructor(
    url: string,
    private readonly keys: ServerKeys,
    formats: ValkeyFormats,
    private readonly timeoutMs: number,
    private readonly changed: () => void,
  ) {
    this.client = new Redis(url, { ...clientOptions(timeoutMs), scripts: scripts(formats) }) as ScriptedRedis;
    this.client.on('error', (error) => (this.#lastError = error));
    this.client.on('ready', () => void this.#establish());
    this.client.on('close', () => this.#lose());
  }

  /** That of the last establishment. */
  get incarnation(): string {
    return this.#incarnation;
  }

  /** Connects for the first time. @throws StoreError `store_unavailable` after the time-out, `store_format`. */
  async open(): Promise<void> {
    this.client.connect().catch((error: unknown) => (this.#lastError = error));
    await this.#pass();
  }

  /**
   * Sends at once when the connection is live, so that calls keep their order; else waits for it, within the time-out.
   * @throws StoreError `store_unavailable` with an unknown outcome when the connection breaks before the answer.
   */
  async send<T>(operation: (client: ScriptedRedis) => Promise<T>): Promise<T> {
    if (this.#waiting >= waitingMax)
      throw new StoreError('store_unavailable', 'Too many calls are waiting for the server.');
    this.#waiting++;
    try {
      if (!this.#live || this.#closed) await this.#pass();
      return await operation(this.client);
    } catch (error) {
      throw this.#explain(error);
    } finally {
      this.#waiting--;
    }
  }

  /** Looks whether the server still holds the life of the data that we think it does. */
  async confirm(): Promise<void> {
    if (!this.#live) return;
    const found = await this.client.hget(this.keys.meta, 'incarnation').catch(() => this.#incarnation);
    if (found !== this.#incarnation) this.#startOver();
  }

  /** Lets what was sent finish, within the time-out. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#gate.reject(closedError());
    if (this.#live) await this.client.quit().catch(() => undefined);
    this.client.disconnect();
  }

  async #pass(): Promise<void> {
    if (this.#closed) throw closedError();
    if (this.#refusal) throw this.#refusal;
    const gate = this.#gate;
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => reject(this.#away()), this.timeoutMs);
    try {
      await Promise.race([gate.promise, promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  #away(): StoreError {
    return new StoreError('store_unavailable', `The server did not answer for ${this.timeoutMs} ms.`, this.#lastError);
  }

  async #establish(): Promise<void> {
    try {
      const { runId, durability, promoted } = await inspectServer(this.client);
      const { meta, index, expiry, heads } = this.keys;
      const synced = durability.synced && !promoted ? '1' : '0';
      const proposal = randomUUID();
      this.#incarnation = await this.client.writEstablish(4, meta, index, expiry, heads, proposal, runId, synced);
      this.#refusal = null;
      this.#live = true;
      this.#gate.resolve(undefined);
      this.changed();
    } catch (error) {
      this.#refuse(error);
    }
  }

  /** A newer format stays refused for good; whatever else went wrong is tried again on a new connection. */
  #refuse(error: unknown): void {
    this.#lastError = error;
    if (this.#closed) return;
    if (!messageOf(error).includes(formatReply)) {
      this.client.disconnect(true);
      return;
    }
    this.#refusal = new StoreError(
      'store_format',
      'The store on the server has a newer format than this version knows.',
    );
    this.#gate.reject(this.#refusal);
    this.client.disconnect();
  }

  #lose(): void {
    if (!this.#live) return;
    this.#live = false;
    this.#gate = openGate();
  }

  #startOver(): void {
    if (!this.#live) return;
    this.#lose();
    void this.#establish();
  }

  #explain(error: unknown): StoreError {
    if (error instanceof StoreError) return error;
    if (this.#closed) return closedError();
    if (!messageOf(error).includes(lostReply))
      return new StoreError('store_unavailable', 'The server did not answer; the outcome is not known.', error);
    this.#startOver();
    return new StoreError('store_unavailable', 'The server has lost its data; a new incarnation begins.', error);
  }
}

function clientOptions(timeoutMs: number): RedisOptions {
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    commandTimeout: timeoutMs,
    connectTimeout: timeoutMs,
    retryStrategy: (attempt) =>
      Math.random() * Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(attempt, 10)) + retryMinMs / 2,
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
  };
}

function scripts(formats: ValkeyFormats) {
  return {
    writCommit: { lua: commitScript },
    writList: { lua: listScript },
    writEstablish: { lua: establishScript(formats) },
  };
}

/** A gate that nobody waits at must not bring the process down when it is shut for good. */
function openGate(): PromiseWithResolvers<undefined> {
  const gate = Promise.withResolvers<undefined>();
  gate.promise.catch(() => undefined);
  return gate;
}

function closedError(): StoreError {
  return new StoreError('store_unavailable', 'The store is closed.');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : '';
}
