// What the pool decides, apart from what it does: pure functions of what is there and of a monotonic clock. [P-10]
//
//             lease                 release               idle too long, or its place is wanted
//   opening ─────────▶ leased ◀─────────────▶ idle ───────────▶ probing ───────────▶ closing ─▶ (gone)
//                                              ▲   not idle, or   │                     │ did not die in time
//                                              └──────────────────┘                     ▼
//                                                  cannot say: counts as busy      quarantined, tried again
//
// Whatever is not gone takes a place: also what will not die. [P-4] [P-9]

export type SeatState = 'opening' | 'leased' | 'idle' | 'probing' | 'closing' | 'quarantined';

export interface Seat {
  readonly state: SeatState;
  /** When it was given back last, on the monotonic clock. */
  readonly touchedAtMs: number;
  /** A probe has found it at work, or got no answer: not asked again before. [P-5] */
  readonly busyUntilMs: number;
}

export type Verdict<S extends Seat> =
  | { readonly kind: 'reuse' | 'replace'; readonly seat: S }
  | { readonly kind: 'evict'; readonly seat: S }
  | { readonly kind: 'create' | 'wait' };

/** Idle, and not found at work a moment ago. */
function evictable(seat: Seat, nowMs: number): boolean {
  return seat.state === 'idle' && seat.busyUntilMs <= nowMs;
}

/** The one that was given back longest ago. */
export function leastRecent<S extends Seat>(seats: Iterable<S>, nowMs: number): S | undefined {
  let found: S | undefined;
  for (const seat of seats)
    if (evictable(seat, nowMs) && (!found || seat.touchedAtMs < found.touchedAtMs)) found = seat;
  return found;
}

/** Those that nobody has used for so long. */
export function outOfTime<S extends Seat>(seats: Iterable<S>, nowMs: number, idleMs: number): S[] {
  return [...seats].filter((seat) => evictable(seat, nowMs) && nowMs - seat.touchedAtMs >= idleMs);
}

export interface Wish<S extends Seat> {
  /** What is there under the key that is wanted. */
  readonly own: S | undefined;
  /** Whether `own` was made by somebody else under the same key: it goes before a new one comes. [P-1] */
  readonly isStale: boolean;
  /** Places that will be free soon and that nobody before us in the queue waits for. */
  readonly leaving: number;
  readonly max: number;
}

/** What to do for whoever is next. Never more than `max` places, never one that is leased. */
export function decide<S extends Seat>(seats: readonly S[], wish: Wish<S>, nowMs: number): Verdict<S> {
  const { own, isStale, leaving, max } = wish;
  if (own?.state === 'idle') return { kind: isStale ? 'replace' : 'reuse', seat: own };
  if (own) return { kind: 'wait' };
  if (seats.length < max) return { kind: 'create' };
  const seat = leaving > 0 ? undefined : leastRecent(seats, nowMs);
  return seat ? { kind: 'evict', seat } : { kind: 'wait' };
}

/** How many are on their way out. One in quarantine may stay for ever: nobody can count on its place. */
export function leavingOf(seats: Iterable<Seat>): number {
  let count = 0;
  for (const { state } of seats) if (state === 'probing' || state === 'closing') count += 1;
  return count;
}
