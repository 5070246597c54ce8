// Events from our journal to the peer: in order, in a window of unacknowledged messages, as fast as the socket takes them.
import type { AckClaims } from '#protocol';
import type { JournalPosition, JournalSource } from '../journal/position.js';
import { Hearing } from './hearing.js';
import type { Sender } from './sender.js';

/** Event messages on their way at once: what the other side has to be ready to hold. */
export const eventWindow = 32;

export interface FlowTargets {
  readonly connectionId: string;
  readonly source: JournalSource;
  readonly sender: Sender;
  readonly now: () => number;
  /** They heard what was sent then. */
  readonly answered: (sentAtMs: number) => void;
}

export class EventFlow {
  readonly #hearing = new Hearing();
  #wake: () => void = () => undefined;

  constructor(private readonly targets: FlowTargets) {}

  /** From what the peer accepted last, until the signal. */
  async run(accepted: JournalPosition | null, signal: AbortSignal): Promise<void> {
    const { source, connectionId, sender, now } = this.targets;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    for await (const batch of source.batches(connectionId, accepted, signal)) {
      while (this.full && !signal.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
      if (signal.aborted) return;
      sender.events(batch);
      this.#hearing.sent(batch.seq - 1 + batch.events.length, now());
    }
  }

  async acknowledged({ epo, seq, h, again }: AckClaims, raw: string): Promise<void> {
    const { source, connectionId, answered } = this.targets;
    const sentAtMs = this.#hearing.acknowledged(seq);
    if (sentAtMs !== undefined) answered(sentAtMs);
    if (again) this.#hearing.restart();
    this.#wake();
    await source.acknowledged(connectionId, { epo, seq, h, again }, raw);
  }

  /** Something went out, or was acknowledged. */
  wake(): void {
    this.#wake();
  }

  private get full(): boolean {
    return this.#hearing.unacknowledged >= eventWindow || this.targets.sender.crowded;
  }
}
