// Two ends of a link in one process: a real link without a socket, for tests and for an instance that talks to itself.
import { messageBytesMax } from '#protocol';
import { Inbox } from './inbox.js';
import { Link } from './link.js';
import type { LinkClosed, MessageListener } from './link.js';

class PairedLink extends Link {
  readonly kind = 'pair';
  readonly remote = 'this process';
  readonly closed: Promise<LinkClosed>;
  peer: PairedLink | undefined;
  readonly #inbox = new Inbox(() => this.close(1008, ''));
  readonly #queue: string[] = [];
  #queuedBytes = 0;
  #open = true;
  #paused = false;
  #drained = (): void => undefined;
  #settle: (how: LinkClosed) => void = () => undefined;

  constructor() {
    super();
    this.closed = new Promise((settle) => (this.#settle = settle));
  }

  get bufferedBytes(): number {
    return this.#queuedBytes;
  }

  onDrain(listener: () => void): void {
    this.#drained = listener;
  }

  onMessage(listener: MessageListener): void {
    this.#inbox.listen(listener);
  }

  send(message: string): void {
    if (!this.#open) return;
    this.#queuedBytes += message.length;
    if (this.#queue.push(message) === 1) setImmediate(() => this.flush());
  }

  /** What was sent before a farewell still arrives, as on a socket; a cut (1006) takes it along. */
  close(code = 1000, reason = ''): void {
    if (code !== 1006) this.flush();
    this.end({ code, reason });
    this.peer?.end({ code, reason });
  }

  /** Stops taking messages, as a reader does that has fallen behind. */
  pause(paused: boolean): void {
    this.#paused = paused;
    if (!paused) this.peer?.flush();
  }

  private flush(): void {
    const { peer } = this;
    while (peer && this.#open && !peer.#paused) {
      const message = this.#queue.shift();
      if (message === undefined) break;
      this.#queuedBytes -= message.length;
      if (message.length > messageBytesMax) peer.close(1009, 'message too large');
      else peer.#inbox.take(message);
    }
    this.#drained();
  }

  private end(how: LinkClosed): void {
    if (!this.#open) return;
    this.#open = false;
    this.#queue.length = 0;
    this.#queuedBytes = 0;
    this.#settle(how);
  }
}

/** Both ends, connected. Messages arrive in a later turn of the event loop, in order; `pause(true)` on an end lets the other's buffer grow. */
export function linkedPair(): [PairedLink, PairedLink] {
  const [left, right] = [new PairedLink(), new PairedLink()];
  left.peer = right;
  right.peer = left;
  return [left, right];
}
