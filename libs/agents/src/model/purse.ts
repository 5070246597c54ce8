// What pays for requests to a model: reserved before, settled after. The meter of the agent is one.
import type { Usage } from '#protocol';
import type { Amount } from '../spending/treasury.js';

/** A request that was admitted: what it may cost is held until it is settled. */
export interface Reservation {
  /** Persists what it did cost, then gives back what it held; once. @throws WritError `store_unavailable`: the run is stopped. */
  settle(spent: Usage): Promise<void>;
}

export interface Purse {
  /**
   * Holds what a request costs at most, as `price` says knowing what is left under every limit. Requests at once are
   * each judged with what the others hold. @throws LimitReached when it does not fit, WritError `store_unavailable`
   */
  reserve(price: (left: Amount) => Amount): Promise<Reservation>;
}
