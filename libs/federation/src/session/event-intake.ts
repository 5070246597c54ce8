// Events from the peer into our journal of it: one message after another, each acknowledged as soon as it is stored.
import { chainStart } from '#protocol';
import type { EventClaims } from '#protocol';
import type { EventBatch, JournalPosition, JournalSink } from '../journal/position.js';
import { eventWindow } from './event-flow.js';
import type { Sender } from './sender.js';

export interface EventIntakeTargets {
  readonly connectionId: string;
  readonly sink: JournalSink;
  readonly sender: Sender;
  readonly now: () => number;
  readonly heard: (atMs: number) => void;
  /** The journal could not store: the link is of no use until it can. */
  readonly failed: (error: unknown) => void;
}

export class EventIntake {
  #turn: Promise<void> = Promise.resolve();
  #waiting = 0;

  constructor(private readonly targets: EventIntakeTargets) {}

  /** Tells the journal where the peer's stands, and says what was accepted last: with that the peer can begin. */
  begin(position: JournalPosition | undefined): void {
    const { sink, connectionId, sender } = this.targets;
    if (!position) return;
    this.inTurn(async () => {
      await sink.announced(connectionId, position);
      const accepted = await sink.accepted(connectionId);
      const { epo } = position;
      sender.ack(accepted?.epo === epo ? accepted : { epo, seq: 0, h: chainStart(connectionId, epo) });
    });
  }

  /** False when more is on its way than a peer may send unacknowledged. */
  take(claims: EventClaims, raw: string): boolean {
    if (this.#waiting >= 2 * eventWindow) return false;
    const { sink, connectionId, sender, heard, now } = this.targets;
    const atMs = now();
    const batch: EventBatch = { epo: claims.epo, seq: claims.seq, prev: claims.prev, events: claims.events };
    this.inTurn(async () => {
      sender.ack(await sink.accept(connectionId, batch, raw));
      heard(atMs);
    });
    return true;
  }

  private inTurn(task: () => Promise<void>): void {
    this.#waiting += 1;
    this.#turn = this.#turn
      .then(task)
      .catch(this.targets.failed)
      .finally(() => (this.#waiting -= 1));
  }
}
