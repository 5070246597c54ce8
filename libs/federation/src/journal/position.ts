// Where a journal stands: what hello says, and the seam between a session (which seals and sends) and the journal (which remembers).

/** `h` is the chain value c(seq), base64url; with seq 0 it is c(0). */
export interface JournalPosition {
  readonly epo: string;
  readonly seq: number;
  readonly h: string;
  /** After a new epoch: the old one and its last `seq`, once. */
  readonly before?: { readonly epo: string; readonly seq: number };
}

/** A journal as people see it: of the spoke what it has journaled, of the hub what it has accepted. */
export interface JournalView {
  readonly epoch: string;
  /** Of the last event, within the epoch. */
  readonly seq: number;
  /** The last time that an epoch took the place of another, as after a restore; absent when none ever did. */
  readonly break?: {
    readonly at: string;
    /** The epoch that ended. */
    readonly epoch: string;
    /** The last event of it that the hub is known to have. */
    readonly accepted: number;
    /** The last event of it that the spoke remembered; absent on a hub whose spoke said nothing of it. */
    readonly journaled?: number;
  };
}

/** Claims of a `writ-evt+jws` without its envelope: `seq` is that of the first event, `prev` = c(seq-1). No events: a heartbeat, `seq` is the next one. */
export interface EventBatch {
  readonly epo: string;
  readonly seq: number;
  readonly prev: string;
  readonly events: readonly string[];
}

/** Claims of a `writ-ack+jws` without its envelope: cumulative. */
export interface EventAck {
  readonly epo: string;
  readonly seq: number;
  readonly h: string;
  readonly again?: boolean;
}

/** What a session asks of the sending side's journal. */
export abstract class JournalSource {
  abstract position(connectionId: string): Promise<JournalPosition>;
  /**
   * Batches after what the peer last accepted, then live ones and heartbeats at least every `heartbeatMs`, until the signal.
   * Each link has its own, at its own pace; what the peer has from one it acknowledges over the other.
   * @throws WritError `session` when another epoch began: close the link, and the next hello names it.
   */
  abstract batches(
    connectionId: string,
    accepted: JournalPosition | null,
    signal: AbortSignal,
  ): AsyncIterable<EventBatch>;
  /** Takes a verified ack: prunes the send queue, or starts over after `seq` when `again`. `raw` is kept as receipt. */
  abstract acknowledged(connectionId: string, ack: EventAck, raw: string): Promise<void>;
}

/** What a session asks of the receiving side's journal. */
export abstract class JournalSink {
  /** What was accepted last; null before the first event. */
  abstract accepted(connectionId: string): Promise<JournalPosition | null>;
  /** Takes the position of a hello: a new epoch is recorded as a break. @throws WritError `session` for one that ended before. */
  abstract announced(connectionId: string, position: JournalPosition): Promise<void>;
  /**
   * Stores what is new, in one commit with the new position, and says what to acknowledge. `raw` is kept as receipt.
   * @throws WritError `session` for an epoch that no hello announced.
   */
  abstract accept(connectionId: string, batch: EventBatch, raw: string): Promise<EventAck>;
}
