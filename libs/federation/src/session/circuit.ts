// One circuit for each peer: one that takes requests and does not answer is left alone for a while, so that nobody waits for it
// again and again. Kills pass always. What a peer does holds up no other peer.

/**
 *   closed ──5 in a row overdue──▶ open ──its time──▶ half_open ──an answer──▶ closed
 *                                   ▲                     │
 *                                   └──overdue, for twice as long──┘
 *
 * An answer, whatever it says, closes it; a new link makes it half-open at once. While it is half-open and nobody asks, the peer
 * is asked for its `instance.info` (peer.ts).
 */
export type CircuitState = 'closed' | 'open' | 'half_open';

/** Requests in a row without an answer in their time. */
const overdueMax = 5;
/** Patience below that says nothing about the peer. */
const patienceMsMin = 1_000;
const openMs = { first: 5_000, last: 60_000 };
/** When the one request that tries it is withdrawn, the next may try after that. */
const trialMs = 10_000;

export class Circuit {
  #overdue = 0;
  /** How often it opened in a row. */
  #opened = 0;
  /** Until when it is open; undefined while it is closed. */
  #until: number | undefined;
  #trialUntil = 0;

  /** Milliseconds of a clock that never goes back. */
  constructor(private readonly now: () => number = () => performance.now()) {}

  get state(): CircuitState {
    if (this.#until === undefined) return 'closed';
    return this.now() < this.#until ? 'open' : 'half_open';
  }

  /** How long a request has to wait, in milliseconds; 0 when it may go. Of those that come while it is half-open one may. */
  waitMs(): number {
    if (this.#until === undefined) return 0;
    const waitMs = Math.max(this.#until, this.#trialUntil) - this.now();
    if (waitMs > 0) return Math.ceil(waitMs);
    this.#trialUntil = this.now() + trialMs;
    return 0;
  }

  answered(): void {
    this.#overdue = this.#opened = this.#trialUntil = 0;
    this.#until = undefined;
  }

  /** A request that was sent was not answered, for as long as whoever asked was ready to wait. */
  overdue(waitedMs: number): void {
    if (waitedMs < patienceMsMin || this.state === 'open') return;
    this.#overdue += 1;
    if (this.#until === undefined && this.#overdue < overdueMax) return;
    this.#until = this.now() + Math.min(openMs.last, openMs.first * 2 ** this.#opened);
    this.#opened = Math.min(this.#opened + 1, 10);
    this.#trialUntil = 0;
  }

  /** There is a new link: what was wrong may be over. */
  tryNow(): void {
    if (this.#until !== undefined) this.#until = this.now();
    this.#trialUntil = 0;
  }
}
