// The dialling end of a direct link: every message is one POST, what comes back is a stream of messages, one a line.
// The POST of the latest ack is kept open, so that the other side can always say something.
import { Pool } from 'undici';
import type { Dispatcher } from 'undici';
import { hintOf } from './hint.js';
import { Inbox } from './inbox.js';
import { messagesPath } from './direct.js';
import { messageBytesMax } from '#protocol';
import { Link } from './link.js';
import type { LinkClosed, MessageListener } from './link.js';
import type { DialOptions } from './websocket.js';

/** POSTs at once: enough that kills with a grace period do not hold up the rest. */
const postsMax = 64;
/** A command lives 300 s at most, and its answer may come late by the skew. */
const answerMsMax = 330_000;
const headersMsMax = 20_000;
/** Between two polls when the other side ends them at once. */
const pollPauseMs = 250;

/** A hello that is on its way when the link is closed may still arrive. */
const farewellMsMax = 1_000;

/** The first messages of a session build on one another; everything after it is independent. */
const ordered: readonly (string | undefined)[] = ['writ-keys+jws', 'writ-hello+jws'];
const ackType = 'writ-ack+jws';

const newline = 10;

/** Cuts a response into lines. A longer line than any message may be ends it. */
class Lines {
  readonly #rest: Buffer[] = [];
  #restBytes = 0;

  *cut(chunk: Buffer): Generator<string> {
    let from = 0;
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, from)) {
      this.keep(chunk.subarray(from, end));
      yield Buffer.concat(this.#rest.splice(0), this.#restBytes).toString('latin1');
      this.#restBytes = 0;
      from = end + 1;
    }
    this.keep(chunk.subarray(from));
  }

  get overflown(): boolean {
    return this.#restBytes > messageBytesMax;
  }

  private keep(bytes: Buffer): void {
    this.#rest.push(bytes);
    this.#restBytes += bytes.length;
  }
}

class HttpsLink extends Link {
  readonly kind = 'https';
  readonly remote: string;
  readonly closed: Promise<LinkClosed>;
  readonly #pool: Pool;
  readonly #path: string;
  readonly #inbox = new Inbox(() => this.close(1008));
  readonly #waiting: string[] = [];
  #inOrder = false;
  #bufferedBytes = 0;
  #polls = 0;
  #latestAck: string | undefined;
  #pause: NodeJS.Timeout | undefined;
  #open = true;
  #drained = (): void => undefined;
  #settle: (how: LinkClosed) => void = () => undefined;

  constructor(url: URL, { policy, ca, timeoutMs = 10_000 }: DialOptions) {
    super();
    this.remote = url.host;
    this.#path = url.pathname;
    this.closed = new Promise((settle) => (this.#settle = settle));
    this.#pool = new Pool(url.origin, {
      connections: postsMax,
      pipelining: 1,
      allowH2: false,
      headersTimeout: headersMsMax,
      bodyTimeout: answerMsMax,
      connect: { lookup: policy.lookupFor(url), ca, timeout: timeoutMs },
    });
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  onMessage(listener: MessageListener): void {
    this.#inbox.listen(listener);
  }

  send(message: string): void {
    if (!this.#open) return;
    this.#bufferedBytes += message.length;
    this.#waiting.push(message);
    this.flush();
  }

  close(code = 1000, reason = ''): void {
    if (!this.#open) return;
    this.#open = false;
    clearTimeout(this.#pause);
    this.#waiting.length = 0;
    this.#settle({ code, reason });
    if (this.#inOrder) this.#pause = setTimeout(() => this.destroy(), farewellMsMax).unref();
    else this.destroy();
  }

  private destroy(): void {
    clearTimeout(this.#pause);
    void this.#pool.destroy();
  }

  /** Posts what waits; a message that others build on is posted alone. */
  private flush(): void {
    while (this.#open && !this.#inOrder) {
      const message = this.#waiting.shift();
      if (message === undefined) return;
      const typ = hintOf(message)?.typ;
      if (ordered.includes(typ)) this.#inOrder = true;
      if (typ === ackType) this.poll(message);
      else this.post(message, () => this.settled(typ));
    }
  }

  private settled(typ: string | undefined): void {
    if (!ordered.includes(typ)) return;
    this.#inOrder = false;
    if (this.#open) this.flush();
    else this.destroy();
  }

  private poll(ack: string): void {
    this.#latestAck = ack;
    this.#polls += 1;
    const startedAt = performance.now();
    this.post(ack, () => this.pollAgain(performance.now() - startedAt < pollPauseMs));
  }

  private pollAgain(hasty: boolean): void {
    this.#polls -= 1;
    if (this.#polls > 0 || !this.#open || this.#latestAck === undefined) return;
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.repeat(), hasty ? pollPauseMs : 0).unref();
  }

  private repeat(): void {
    if (this.#polls > 0 || !this.#open || this.#latestAck === undefined) return;
    this.#bufferedBytes += this.#latestAck.length;
    this.poll(this.#latestAck);
  }

  private post(message: string, done: () => void): void {
    const headers = { 'content-type': 'application/jose' };
    const request: Dispatcher.DispatchOptions = { path: this.#path, method: 'POST', headers, body: message };
    this.#pool.dispatch(request, this.exchange(message.length, done));
  }

  private exchange(bytes: number, done: () => void): Dispatcher.DispatchHandler {
    const lines = new Lines();
    return {
      onRequestStart: () => undefined,
      onResponseStart: (_, status) => this.begun(status, bytes),
      onResponseData: (_, chunk) => this.received(lines, chunk),
      onResponseEnd: done,
      onResponseError: (_, error) => this.close(1006, reasonOf(error)),
    };
  }

  private begun(status: number, bytes: number): void {
    this.#bufferedBytes -= bytes;
    if (status === 200) this.#drained();
    else this.close(status === 400 ? 1008 : 1006, `answered with HTTP ${status}`);
  }

  private received(lines: Lines, chunk: Buffer): void {
    for (const line of lines.cut(chunk)) if (this.#open) this.#inbox.take(line);
    if (lines.overflown) this.close(1009, 'message too large');
  }
}

/** For our log only: a name that does not resolve, a certificate that nobody vouches for, a port where nobody listens. */
function reasonOf(error: Error & { readonly code?: string }): string {
  return error.message || (error.code ?? 'cut');
}

/**
 * A direct link to the instance at a base URL. Nothing is sent before the first message; follows no redirect.
 * @throws WritError `invalid_request` for a URL that may not be dialled.
 */
export function dialHttps(baseUrl: string, options: DialOptions): Link {
  const url = options.policy.check(baseUrl);
  url.pathname = url.pathname.replace(/\/*$/, messagesPath);
  options.signal.throwIfAborted();
  const link = new HttpsLink(url, options);
  const abort = (): void => link.close(1001, 'going away');
  options.signal.addEventListener('abort', abort, { once: true });
  void link.closed.then(() => options.signal.removeEventListener('abort', abort));
  return link;
}
