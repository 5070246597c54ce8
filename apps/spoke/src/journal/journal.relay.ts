// The relay: an owner's agent events, in their order, into the journal of that connection. Cursor, chain and rows are one commit,
// so that nothing is lost or told twice wherever the process stops. What was relayed is trimmed down to a tail.
import { setTimeout as sleep } from 'node:timers/promises';
import { agentEvents } from '#agents';
import type { Connection, Journal } from '#federation';
import type { Entry, Key, Store } from '#store';
import type { EventsTail } from './events.tail.js';

/** Events for one append: what one message may carry. */
const batchMax = 256;

/** How long to rest after a failure of the store, in milliseconds. */
const retryMs = 1_000;

const cursorKey = (connectionId: string): Key => ['spoke', 'relay', connectionId];

export class JournalRelay {
  private readonly running = new Map<string, Promise<void>>();
  private readonly stopping = new AbortController();

  constructor(
    private readonly store: Store,
    private readonly journal: Journal,
    private readonly tail: EventsTail,
    private readonly failed: (error: unknown) => void,
  ) {}

  /** Starts relaying for a connection; nothing happens when it is relayed already. */
  follow({ id }: Connection): void {
    if (!this.running.has(id)) this.running.set(id, this.run(id));
  }

  /** Hands over what is committed so far, then stops. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.running.values());
    for (const id of this.running.keys()) await this.drain(id).catch(this.failed);
  }

  private async run(connectionId: string): Promise<void> {
    const { signal } = this.stopping;
    while (!signal.aborted) {
      try {
        await this.drain(connectionId);
        await this.next(connectionId, signal);
      } catch (error) {
        this.failed(error);
        await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  /** Resolves when there is an event after the cursor. */
  private async next(connectionId: string, signal: AbortSignal): Promise<void> {
    const after = (await this.cursor(connectionId))?.value ?? 0;
    for await (const _event of this.store.watch(agentEvents(connectionId), after, signal)) return;
  }

  private async drain(connectionId: string): Promise<void> {
    while (await this.step(connectionId));
  }

  /** One batch; false when there is nothing more. */
  private async step(connectionId: string): Promise<boolean> {
    const cursor = await this.cursor(connectionId);
    const records = await this.store.read(agentEvents(connectionId), { after: cursor?.value ?? 0, limit: batchMax });
    const last = records.at(-1);
    if (!last) return false;
    const key = cursorKey(connectionId);
    const also = { checks: [{ key, version: cursor?.version ?? null }], puts: [{ key, value: last.cursor }] };
    const lines = records.map(({ value }) => JSON.stringify(value));
    const appended = await this.journal.append(connectionId, lines, also);
    if (appended.ok) await this.tail.passed(connectionId, cursor?.value ?? 0, last.cursor);
    return true;
  }

  private cursor(connectionId: string): Promise<Entry<number> | null> {
    return this.store.get<number>(cursorKey(connectionId));
  }
}
