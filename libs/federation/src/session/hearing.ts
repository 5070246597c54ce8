// When was the other side last heard? A message counts only when both sides know that it came through, so that both come to
// the same answer: the receiver of events counts their arrival, the sender counts an ack, from the moment it sent what it covers.

/** Beyond it the other side counts as lost, unless both are told to use less. */
export const heardMsMax = 45_000;

interface Outstanding {
  readonly last: number;
  readonly sentAtMs: number;
}

/** The sending side: which event messages have not been acknowledged, oldest first. */
export class Hearing {
  #outstanding: Outstanding[] = [];

  get unacknowledged(): number {
    return this.#outstanding.length;
  }

  /** `last` is the last `seq` that the message states. */
  sent(last: number, nowMs: number): void {
    this.#outstanding.push({ last, sentAtMs: nowMs });
  }

  /**
   * When the newest message was sent that this ack surely covers; undefined when it covers none. Of several that state the
   * same `seq` (heartbeats) it covers the oldest: each gets an ack of its own.
   */
  acknowledged(seq: number): number | undefined {
    const later = this.#outstanding.findIndex(({ last }) => last >= seq);
    const passed = this.#outstanding.splice(0, later === -1 ? this.#outstanding.length : later);
    const exact = this.#outstanding[0]?.last === seq ? this.#outstanding.shift() : undefined;
    return (exact ?? passed.at(-1))?.sentAtMs;
  }

  /** The other side wants everything again. */
  restart(): void {
    this.#outstanding = [];
  }
}
