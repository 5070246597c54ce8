// The Link port: carries compact JWS strings both ways, whole and in order, and knows nothing about them.

export interface LinkClosed {
  /** WebSocket close code or its like: 1000 normal, 1008 refused, 1006 cut. */
  readonly code: number;
  readonly reason: string;
}

export abstract class Link {
  abstract readonly kind: 'websocket' | 'https' | 'pair';
  /** Where the other end is, for logs only. */
  abstract readonly remote: string;
  /** Queues one message; a link that is closed drops it silently: `closed` tells. */
  abstract send(message: string): void;
  /** Bytes handed to `send` and not yet taken by the socket. */
  abstract readonly bufferedBytes: number;
  /** One listener; set it before the first await after getting a link, messages before that are kept. */
  abstract onMessage(listener: (message: string) => void): void;
  /** Resolves once, never rejects. */
  abstract readonly closed: Promise<LinkClosed>;
  abstract close(code?: number, reason?: string): void;
}
