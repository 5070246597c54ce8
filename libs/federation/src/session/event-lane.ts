// Events in one session, whichever way they go: ours to the peer, or the peer's to us.
import { z } from 'zod';
import { ackClaims, eventClaims } from '#protocol';
import type { JournalPosition } from '../journal/position.js';
import type { Reply } from '../links/link.js';
import { EventFlow } from './event-flow.js';
import { EventIntake } from './event-intake.js';
import type { Opened } from './peer-root.js';
import type { Sender } from './sender.js';
import type { SessionPeer } from './session-peer.js';

const compiledEvents = z.compile(eventClaims);

export class EventLane {
  readonly #flow: EventFlow | undefined;
  readonly #intake: EventIntake | undefined;
  #flows = false;

  constructor(
    host: SessionPeer,
    sender: Sender,
    private readonly failed: (error: unknown) => void,
  ) {
    const { connection, source, sink, now } = host;
    const targets = { connectionId: connection.id, sender, now, heard: (at: number) => host.pulse.heard(at) };
    if (source) this.#flow = new EventFlow({ ...targets, source, answered: (at) => host.pulse.answered(at) });
    if (sink) this.#intake = new EventIntake({ ...targets, sink, failed });
  }

  /** From what the other side's hello said of the journal, once. */
  begin(theirs: JournalPosition | undefined, signal: AbortSignal): void {
    if (this.#flows) return;
    this.#flows = true;
    this.#intake?.begin(theirs);
    this.#flow?.run(theirs ?? null, signal).catch(this.failed);
  }

  /** Something went out. */
  wake(): void {
    this.#flow?.wake();
  }

  /** False refuses it uniformly. */
  take({ payload, raw }: Opened, reply: Reply | undefined): boolean {
    const parsed = compiledEvents.safeParse(payload);
    reply?.end();
    return parsed.success && this.#flows && this.#intake !== undefined && this.#intake.take(parsed.data, raw);
  }

  /** False refuses it uniformly. */
  acknowledged({ payload, raw }: Opened): boolean {
    const parsed = ackClaims.safeParse(payload);
    if (!parsed.success || !this.#flow) return false;
    if (this.#flows) this.#flow.acknowledged(parsed.data, raw).catch(this.failed);
    return true;
  }
}
