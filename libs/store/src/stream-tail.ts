// Keeps a stream to a tail: what its consumers have passed is trimmed, but for the newest entries, which a returning reader finds again.
import type { Key, Store } from './store.js';

export class StreamTail {
  /** Trimmed in steps of a tenth of the tail, so that hardly any entry costs a call to the store. */
  private readonly step: number;

  /** At most `keptMax` and a tenth of it stay behind what was passed. */
  constructor(
    private readonly store: Store,
    private readonly keptMax: number,
  ) {
    this.step = Math.ceil(keptMax / 10);
  }

  /** Nobody but a returning reader needs the entries up to the cursor `now` any more; `before` is what this was called with last. */
  async passed(stream: Key, before: number, now: number): Promise<void> {
    if (Math.floor(before / this.step) !== Math.floor(now / this.step)) await this.trim(stream, now);
  }

  /** The same, whatever was passed before. */
  async trim(stream: Key, cursor: number): Promise<void> {
    const through = cursor - this.keptMax;
    if (through > 0) await this.store.trim(stream, through);
  }
}
