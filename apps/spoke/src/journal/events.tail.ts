// What stays of an owner's events for whoever comes back to the event stream: a tail. What lies before it is trimmed, once it
// has been relayed. Without this the store would keep every event for ever.
import { setTimeout as sleep } from 'node:timers/promises';
import { agentEvents } from '#agents';
import { StreamTail, type Store } from '#store';

/** How long to rest after a failure of the store, in milliseconds. */
const retryMs = 1_000;

export class EventsTail {
  private readonly tail: StreamTail;

  constructor(
    private readonly store: Store,
    eventsKeptMax: number,
  ) {
    this.tail = new StreamTail(store, eventsKeptMax);
  }

  /** As `StreamTail.passed`, of an owner's events. */
  passed(owner: string, before: number, now: number): Promise<void> {
    return this.tail.passed(agentEvents(owner), before, now);
  }

  /** For an owner whose events nobody relays: they have passed as soon as they are there. */
  async follow(owner: string, signal: AbortSignal, failed: (error: unknown) => void): Promise<void> {
    while (!signal.aborted) {
      await this.watch(owner, signal).catch(failed);
      await sleep(retryMs, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }

  private async watch(owner: string, signal: AbortSignal): Promise<void> {
    let before = await this.store.head(agentEvents(owner));
    await this.tail.trim(agentEvents(owner), before);
    for await (const { cursor } of this.store.watch(agentEvents(owner), before, signal)) {
      await this.passed(owner, before, cursor);
      before = cursor;
    }
  }
}
