// What every link does with what arrives: keep it until somebody listens, hand it over in order, bounded.
import { earlyMessagesMax } from './link.js';
import type { MessageListener } from './link.js';

export class Inbox {
  #listener: MessageListener | undefined;
  readonly #early: string[] = [];

  /** `refused` is called for a message that the listener refuses or that comes too early for the bound. */
  constructor(private readonly refused: () => void) {}

  listen(listener: MessageListener): void {
    this.#listener = listener;
    for (const message of this.#early.splice(0)) this.take(message);
  }

  /** False when it was refused. */
  take(message: string): boolean {
    const taken = this.#listener ? this.#listener(message) : this.#early.push(message) <= earlyMessagesMax;
    if (!taken) this.refused();
    return taken;
  }
}
