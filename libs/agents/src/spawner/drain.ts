// A drain refuses new agents while those that are there go on to their end. It stands in the store until it is lifted, and
// every spawn checks it in its own commit: nobody slips in between.
import { WritError, type Actor } from '#protocol';
import type { Check, Key, Store } from '#store';

const key: Key = ['agents', 'drain'];
/** A drain lasts; whoever comes again earlier learns nothing. */
const RETRY_MS = 30_000;

/** Who drains, why and since when (ISO 8601). */
export interface Draining {
  readonly actor: Actor;
  readonly reason: string;
  readonly since: string;
}

export class Drain {
  constructor(private readonly store: Store) {}

  /** What a spawn's commit checks. */
  get check(): Check {
    return { key, version: null };
  }

  /** @throws WritError `capacity`. */
  async refuse(): Promise<void> {
    const draining = await this.state();
    if (!draining) return;
    const detail = `The spoke drains since ${draining.since} and takes no new agents.`;
    throw new WritError('capacity', detail, { retryAfterMs: RETRY_MS });
  }

  async state(): Promise<Draining | undefined> {
    return (await this.store.get<Draining>(key))?.value;
  }

  /** One that stands stays as it is. */
  async begin(draining: Draining): Promise<void> {
    await this.store.commit({ checks: [this.check], puts: [{ key, value: draining }] });
  }

  async lift(): Promise<void> {
    await this.store.commit({ deletes: [key] });
  }
}
