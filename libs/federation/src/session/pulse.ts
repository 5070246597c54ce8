// The signs of life of one peer, and what follows from them.
import { jointState } from '../connections/connection.js';
import type { Connection } from '../connections/connection.js';

/**
 * `ready`: there is a session, and the peer was heard within `heardMs`. `connecting`: there is none yet, or none at the moment.
 * `lost`: it was not heard for so long.
 */
export type PeerState = 'connecting' | 'ready' | 'lost';

export interface PulseTargets {
  readonly connection: Connection;
  readonly sessions: ReadonlyMap<string, unknown>;
  readonly now: () => number;
  /** Beyond it a peer that is not heard counts as lost: three heartbeats. */
  readonly heardMs: number;
}

export class Pulse {
  state: PeerState = 'connecting';
  /** Epoch ms. */
  lastHeardAt: number | undefined;
  roundTripMs: number | undefined;
  clockDifferenceS: number | undefined;
  readonly #since: number;

  constructor(
    private readonly peer: PulseTargets,
    private readonly changed: (what: 'heard' | 'state') => void,
  ) {
    this.#since = peer.now();
  }

  /** An acknowledgement of what was sent then: they heard it, and this is how long it took. */
  answered(sentAtMs: number): void {
    this.roundTripMs = this.peer.now() - sentAtMs;
    this.heard(sentAtMs);
  }

  heard(atMs: number): void {
    if (atMs <= (this.lastHeardAt ?? 0)) return;
    this.lastHeardAt = atMs;
    this.changed('heard');
    this.judge();
  }

  /** Our clock less theirs, in seconds; undefined when they agree. */
  clock(differenceS: number | undefined): void {
    this.clockDifferenceS = differenceS;
    if (differenceS !== undefined) this.changed('state');
  }

  /** Applies the rule of three heartbeats. */
  judge(): void {
    const state = this.judged();
    if (state === this.state) return;
    this.state = state;
    this.changed('state');
  }

  private judged(): PeerState {
    const { connection, sessions, now, heardMs } = this.peer;
    const silentMs = now() - (this.lastHeardAt ?? this.#since);
    const joint = jointState(connection);
    const beats = joint === 'active' || joint === 'suspended';
    if (sessions.size > 0 && (!beats || silentMs <= heardMs)) return 'ready';
    return silentMs > heardMs ? 'lost' : 'connecting';
  }
}
