// The answering end of a direct link: takes POSTs, each with one message, and answers on their responses.
// Which link a message belongs to is decided by a hint; whether it is believed, by the session that gets it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { hintOf } from './hint.js';
import { messagesPath, sequenceType } from './direct.js';
import { messageBytesMax } from '#protocol';
import type { PeekedHeader } from '#protocol';
import { Link } from './link.js';
import type { LinkClosed, MessageListener, Reply } from './link.js';

/** A poll without news is answered after this long. */
const pollMsMax = 20_000;
const bodyMsMax = 10_000;
/** Kept for a peer that has no POST open; a session stops sending long before. */
const queuedBytesMax = 4 * messageBytesMax;
const ackType = 'writ-ack+jws';
/** Longer than a peer may go unheard: by then it has polled, or the link has ended. */
const announcedMs = 60_000;

/** One POST with its response, whose head is sent when the message was taken. */
class Exchange implements Reply {
  #timer: NodeJS.Timeout | undefined;
  #told: string | undefined;

  constructor(
    private readonly response: ServerResponse,
    private readonly link: PostedLink,
  ) {
    // A proxy that collects answers before it passes them on would hold up commands: nginx is told not to.
    const passOn = { 'cache-control': 'no-store', 'x-accel-buffering': 'no' };
    response.writeHead(200, { 'content-type': sequenceType, ...passOn });
    response.flushHeaders();
    response.once('close', () => clearTimeout(this.#timer));
  }

  get open(): boolean {
    return !this.response.writableEnded && !this.response.destroyed;
  }

  get bufferedBytes(): number {
    return this.open ? this.response.writableLength : 0;
  }

  endAfter(ms: number): void {
    this.#timer = setTimeout(() => this.end(), ms).unref();
  }

  send(message: string): void {
    if (this.open) this.response.write(`${this.preamble(message)}${message}\n`, () => this.link.drained());
    else this.link.send(message);
  }

  /** What was announced goes first on every response: nothing orders them. */
  private preamble(message: string): string {
    const { preamble } = this.link;
    if (preamble === undefined || preamble === this.#told) return '';
    this.#told = preamble;
    return preamble === message ? '' : `${preamble}\n`;
  }

  end(): void {
    clearTimeout(this.#timer);
    if (this.open) this.response.end();
    this.link.forget(this);
  }
}

export class PostedLink extends Link {
  readonly kind = 'https';
  readonly closed: Promise<LinkClosed>;
  readonly #exchanges = new Set<Exchange>();
  readonly #queue: string[] = [];
  #queuedBytes = 0;
  #poll: Exchange | undefined;
  #preamble: { readonly text: string; readonly untilMs: number } | undefined;
  #listener: MessageListener | undefined;
  #open = true;
  #drained = (): void => undefined;
  #settle: (how: LinkClosed) => void = () => undefined;

  constructor(readonly remote: string) {
    super();
    this.closed = new Promise((settle) => (this.#settle = settle));
  }

  get bufferedBytes(): number {
    let bytes = this.#queuedBytes;
    for (const exchange of this.#exchanges) bytes += exchange.bufferedBytes;
    return bytes;
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  onMessage(listener: MessageListener): void {
    this.#listener = listener;
  }

  /** Goes to the open poll, or waits for the next one. */
  send(message: string): void {
    if (!this.#open) return;
    if (this.#poll?.open) this.#poll.send(message);
    else this.enqueue(message);
  }

  /** A poll is there within seconds and brings it; until then it also goes before everything else. */
  override announce(message: string): void {
    this.#preamble = { text: message, untilMs: performance.now() + announcedMs };
    this.send(message);
  }

  get preamble(): string | undefined {
    if (this.#preamble && performance.now() > this.#preamble.untilMs) this.#preamble = undefined;
    return this.#preamble?.text;
  }

  close(code = 1000, reason = ''): void {
    if (!this.#open) return;
    this.#open = false;
    for (const exchange of this.#exchanges) exchange.end();
    this.#queue.length = this.#queuedBytes = 0;
    this.#settle({ code, reason });
  }

  /** Hands one message to the session; false when it refused it, and then the response is untouched. */
  deliver(message: string, typ: string, response: ServerResponse): boolean {
    let exchange: Exchange | undefined;
    const open = (): Exchange => (exchange ??= this.begin(response));
    const reply: Reply = { send: (answer) => open().send(answer), end: () => open().end() };
    const isAck = typ === ackType;
    if (!this.#open || !this.#listener?.(message, isAck ? undefined : reply)) return false;
    if (isAck) this.keep(open());
    else open();
    return true;
  }

  drained(): void {
    this.#drained();
  }

  forget(exchange: Exchange): void {
    this.#exchanges.delete(exchange);
    if (this.#poll === exchange) this.#poll = undefined;
  }

  private enqueue(message: string): void {
    this.#queue.push(message);
    this.#queuedBytes += message.length;
    if (this.#queuedBytes > queuedBytesMax) this.close(1013, 'nobody takes what is sent');
  }

  private begin(response: ServerResponse): Exchange {
    const exchange = new Exchange(response, this);
    this.#exchanges.add(exchange);
    response.once('close', () => this.forget(exchange));
    response.on('error', () => undefined);
    return exchange;
  }

  private keep(poll: Exchange): void {
    this.#poll?.end();
    this.#poll = poll;
    poll.endAfter(pollMsMax);
    for (const message of this.#queue.splice(0)) poll.send(message);
    this.#queuedBytes = 0;
    this.#drained();
  }
}

/** The link that a message seems to belong to, or null: nobody here knows its key. */
export type Route = (hint: PeekedHeader, message: string, remote: string) => PostedLink | null;

/**
 * The request listener for `POST /writ/v1/messages`; mount it before a framework parses bodies.
 * Everything that is refused, for whatever reason, gets 400 without a body.
 */
export function postHandler(route: Route): (request: IncomingMessage, response: ServerResponse) => void {
  const take = (message: string, request: IncomingMessage, response: ServerResponse): boolean => {
    const hint = hintOf(message);
    const link = hint && route(hint, message, request.socket.remoteAddress ?? '');
    return link?.deliver(message, hint?.typ ?? '', response) ?? false;
  };
  return (request, response) => {
    const refuse = (): void => void response.writeHead(400, { 'content-length': 0, connection: 'close' }).end();
    if (request.method !== 'POST' || request.url !== messagesPath) refuse();
    else {
      readBody(request, (message) => {
        if (!take(message, request, response)) refuse();
      });
    }
  };
}

/** Calls back once: with the body, or with nothing in it when it is too long or too slow. A request that is cut calls nobody. */
function readBody(request: IncomingMessage, done: (body: string) => void): void {
  if (Number(request.headers['content-length']) > messageBytesMax) {
    done('');
    return;
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const fail = (): void => {
    clearTimeout(timer);
    request.removeAllListeners('data').removeAllListeners('end').resume();
    done('');
  };
  const timer = setTimeout(fail, bodyMsMax).unref();
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > messageBytesMax) fail();
    else chunks.push(chunk);
  });
  request.once('end', () => {
    clearTimeout(timer);
    done(Buffer.concat(chunks, bytes).toString('latin1'));
  });
  request.once('close', () => clearTimeout(timer));
  request.on('error', () => undefined);
}
