// A link over one WebSocket: each text frame is one message.
import { WebSocket } from 'ws';
import type { RawData } from 'ws';
import { messageBytesMax, WritError } from '#protocol';
import type { AddressPolicy } from './address-policy.js';
import { Inbox } from './inbox.js';
import { Link } from './link.js';
import type { LinkClosed, MessageListener } from './link.js';

export const linkPath = '/writ/v1/link';

/** No compression: it costs more than it saves on signed base64url. UTF-8 is not checked here since only ASCII gets past the shape gate. */
export const socketOptions = {
  perMessageDeflate: false,
  maxPayload: messageBytesMax,
  skipUTF8Validation: true,
  closeTimeout: 2_000,
} as const;

/** A message is ASCII: its characters are its bytes, which the socket need not look for again. */
const text = { binary: false } as const;

export class WebSocketLink extends Link {
  readonly kind = 'websocket';
  readonly closed: Promise<LinkClosed>;
  readonly #inbox = new Inbox(() => this.close(1008, ''));
  #drained = (): void => undefined;
  readonly #sent = (): void => this.#drained();

  constructor(
    private readonly socket: WebSocket,
    readonly remote: string,
  ) {
    super();
    socket.on('message', (data, isBinary) => this.receive(data, isBinary));
    socket.on('error', () => undefined);
    this.closed = new Promise((settle) =>
      socket.once('close', (code, reason) => settle({ code, reason: reason.toString() })),
    );
  }

  get bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  onMessage(listener: MessageListener): void {
    this.#inbox.listen(listener);
  }

  send(message: string): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    this.socket.send(Buffer.from(message, 'latin1'), text, this.#sent);
  }

  close(code = 1000, reason = ''): void {
    this.socket.close(code, reason);
  }

  private receive(data: RawData, isBinary: boolean): void {
    if (this.socket.readyState !== WebSocket.OPEN) return;
    if (isBinary || !Buffer.isBuffer(data)) this.close(1008, '');
    else this.#inbox.take(data.toString('latin1'));
  }
}

export interface DialOptions {
  readonly policy: AddressPolicy;
  readonly signal: AbortSignal;
  /** Certificates trusted instead of those that this process trusts, PEM. */
  readonly ca?: string;
  /** Until the socket is open. 10 s by default. */
  readonly timeoutMs?: number;
}

/**
 * Dials the WebSocket of the instance at a base URL (`https://hub.example` → `wss://hub.example/writ/v1/link`). Follows no redirect.
 * @throws WritError `invalid_request` for a URL that may not be dialled, `peer_unavailable` when nobody answers there.
 */
export async function dialWebSocket(baseUrl: string, options: DialOptions): Promise<Link> {
  const url = options.policy.check(baseUrl);
  url.pathname = url.pathname.replace(/\/*$/, linkPath);
  options.signal.throwIfAborted();
  const socket = new WebSocket(url, {
    ...socketOptions,
    // What is masked elsewhere against scripts that choose their bytes (RFC 6455 section 10.3) is base64url under a signature here.
    generateMask: (mask) => mask.fill(0),
    handshakeTimeout: options.timeoutMs ?? 10_000,
    lookup: options.policy.lookupFor(url),
    ca: options.ca,
  });
  const link = new WebSocketLink(socket, url.host);
  await opened(socket, options.signal);
  return link;
}

async function opened(socket: WebSocket, signal: AbortSignal): Promise<void> {
  const abort = (): void => socket.terminate();
  signal.addEventListener('abort', abort, { once: true });
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve);
      socket.once('error', (cause) => reject(dialError(cause)));
    });
  } finally {
    signal.removeEventListener('abort', abort);
  }
  signal.throwIfAborted();
}

function dialError(cause: Error): WritError {
  if (cause instanceof WritError) return cause;
  return new WritError('peer_unavailable', 'The other instance could not be reached.', { cause });
}
