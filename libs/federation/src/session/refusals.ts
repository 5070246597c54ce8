// What the log tells of messages that were refused. Whoever reaches this instance can send a thousand bad ones a second: the
// log has the first of them, then one a second, with the number of those that it leaves out.
import { Rate } from '../rate.js';
import type { Log } from './log.js';

/** Lines at once, and a second. */
const lines = [20, 1] as const;

export class RefusalLog {
  readonly #rate: Rate;
  #untold = 0;

  /** `elapsedMs`: of a clock that does not jump back; of this process by default. */
  constructor(
    private readonly log: Log,
    elapsedMs?: () => number,
  ) {
    this.#rate = new Rate(...lines, elapsedMs);
  }

  add(remote: string, reason: string): void {
    if (!this.#rate.take()) {
      this.#untold += 1;
      return;
    }
    const others = this.#untold === 0 ? '' : ` So were ${this.#untold} before it that no line tells of.`;
    this.#untold = 0;
    this.log(`A message from ${remote} was refused: ${reason}.${others}`);
  }
}
