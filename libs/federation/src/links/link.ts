// The Link port: carries compact JWS strings both ways, whole and in order, and knows nothing about them.

export interface LinkClosed {
  /** WebSocket close code or its like: 1000 normal, 1008 refused, 1006 cut. */
  readonly code: number;
  readonly reason: string;
}

/** A way back that belongs to one message: the response of its POST. Links that have only one way back give none. */
export interface Reply {
  send(message: string): void;
  /** Nothing more will be sent here. Idempotent. */
  end(): void;
}

/**
 * Takes one message; false refuses it, without a word why: a socket is closed with 1008, a POST gets 400 without body,
 * a broker silence.
 * Who takes a message that came with a `reply` also ends that reply.
 */
export type MessageListener = (message: string, reply?: Reply) => boolean;

/** Messages that came before there was a listener: a handshake needs two. */
export const earlyMessagesMax = 4;

export abstract class Link {
  abstract readonly kind: 'websocket' | 'https' | 'broker' | 'pair';
  /** Where the other end is, for logs only. */
  abstract readonly remote: string;
  /** Queues one message; a link that is closed drops it silently: `closed` tells. */
  abstract send(message: string): void;
  /** A message without which the other end cannot read what is sent from now on, on whatever way it goes. */
  announce(message: string): void {
    this.send(message);
  }

  /** Bytes handed to `send` and not yet taken by the socket. */
  abstract readonly bufferedBytes: number;
  /** One listener, called whenever some of what was buffered has been taken. */
  abstract onDrain(listener: () => void): void;
  /** One listener; set it before the first await after getting a link, messages before that are kept. */
  abstract onMessage(listener: MessageListener): void;
  /** Resolves once, never rejects. */
  abstract readonly closed: Promise<LinkClosed>;
  abstract close(code?: number, reason?: string): void;
}
