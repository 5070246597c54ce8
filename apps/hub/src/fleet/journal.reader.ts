// Reads the journals of connections for as long as the view is wanted: what is there, then what comes.
import { setTimeout as sleep } from 'node:timers/promises';
import { fleetEventsOf } from '#federation';
import type { Store } from '#store';

/** How long to rest before a journal that could not be read is read anew, in milliseconds. */
const readAgainMs = 1_000;

/** How far a journal has been read; -1 before the first look. */
export interface Place {
  cursor: number;
}

/** What is done with what is read. */
export interface JournalSteps {
  /** How far an earlier run has read. */
  readonly known: (connectionId: string) => Promise<number>;
  /** Told where a reading begins. */
  readonly begins: (connectionId: string, cursor: number) => void;
  /** Takes one page after the place and moves it on. False when there is nothing more. */
  readonly step: (connectionId: string, at: Place) => Promise<boolean>;
  /** Once, after the first time that it has caught up: what an earlier run had read and is still kept. */
  readonly recall: (connectionId: string, through: number) => Promise<void>;
  readonly failed: (error: unknown) => void;
}

export class JournalReader {
  constructor(
    private readonly store: Store,
    private readonly steps: JournalSteps,
    private readonly signal: AbortSignal,
  ) {}

  /** A store that went away is read on from where the view is; one that began anew from its start: what is known already changes nothing. */
  async keepReading(connectionId: string, caughtUp: () => void): Promise<void> {
    const at = { cursor: -1 };
    while (!this.signal.aborted) {
      await this.read(connectionId, at, caughtUp).catch(this.steps.failed);
      await sleep(readAgainMs, undefined, { signal: this.signal, ref: false }).catch(() => undefined);
    }
    caughtUp();
  }

  private async read(connectionId: string, at: Place, caughtUp: () => void): Promise<void> {
    const { known, begins, step, recall } = this.steps;
    const through = await known(connectionId);
    const isFirst = at.cursor < 0;
    if (isFirst) at.cursor = through;
    begins(connectionId, at.cursor);
    if ((await this.store.head(fleetEventsOf(connectionId))) < at.cursor) at.cursor = 0;
    while (await step(connectionId, at));
    caughtUp();
    if (isFirst) await recall(connectionId, through);
    for await (const { cursor } of this.store.watch(fleetEventsOf(connectionId), at.cursor, this.signal))
      while (at.cursor < cursor && (await step(connectionId, at)));
  }
}
