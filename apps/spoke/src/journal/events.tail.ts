// What stays of an owner's events for whoever comes back to the event stream: a tail. What lies before it is trimmed, once it
// has been relayed. Without this the store would keep every event for ever.
import { setTimeout as sleep } from 'node:timers/promises';
import { agentEvents } from '#agents';
import type { Store } from '#store';

/** How long to rest after a failure of the store, in milliseconds. */
const retryMs = 1_000;

export class EventsTail {
  /** Trimmed in steps of a tenth of the tail, so that hardly any event costs a call to the store. */
  private readonly step: number;

  constructor(
    private readonly store: Store,
    private readonly eventsKeptMax: number,
  ) {
    this.step = Math.ceil(eventsKeptMax / 10);
  }

  /** Nobody but a returning reader needs the events up to the cursor `now` any more; `before` is what this was called with last. */
  async passed(owner: string, before: number, now: number): Promise<void> {
    if (Math.floor(before / this.step) !== Math.floor(now / this.step)) await this.trim(owner, now);
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
    await this.trim(owner, before);
    for await (const { cursor } of this.store.watch(agentEvents(owner), before, signal)) {
      await this.passed(owner, before, cursor);
      before = cursor;
    }
  }

  private async trim(owner: string, cursor: number): Promise<void> {
    const through = cursor - this.eventsKeptMax;
    if (through > 0) await this.store.trim(agentEvents(owner), through);
  }
}
