// The turns of a session as its record has them. Pure: what a record becomes; the register commits it.
//
//   running, busy (turn 1) ──ended──▶ running, idle ──send──▶ running, busy (turn n) ──ended──▶ running, idle …
//
// A turn is settled under its own id only: what comes late of one that was given up changes nothing. [P-11]
import { WritError, type TurnEnd } from '#protocol';
import { hasSession, type AgentRecord, type Restoring } from '../lifecycle/record.js';
import type { Ending } from '../lifecycle/states.js';

/** @throws WritError `invalid_transition` for an agent that keeps no session, or has none (yet, any more). */
export function refuseWithoutSession(record: AgentRecord): void {
  const why = !hasSession(record)
    ? 'The agent has no session: it was spawned for one task.'
    : record.state !== 'running'
      ? `The agent is ${record.state}: its session ${record.state === 'spawning' ? 'has not begun' : 'is over'}.`
      : undefined;
  if (why !== undefined) throw new WritError('invalid_transition', why);
}

/** @throws WritError `invalid_transition`, also while another turn is on. */
export function toBusy(record: AgentRecord, turnId: string, at: string): AgentRecord {
  refuseWithoutSession(record);
  const { turns, activity } = record;
  refuseRestoring(record);
  if (activity !== 'idle' || !turns)
    throw new WritError('invalid_transition', `The agent is busy with turn ${turns?.taken ?? 1}: wait for its end.`);
  const turn = turns.taken + 1;
  return { ...record, activity: 'busy', turns: { ...turns, taken: turn, current: { turnId, turn, startedAt: at } } };
}

/** Busy, without a turn: files and conversation are on their way back. @throws WritError `invalid_transition` unless it is idle */
export function toRestoring(record: AgentRecord, wish: Omit<Restoring, 'turn'>): AgentRecord {
  refuseWithoutSession(record);
  refuseRestoring(record);
  const { turns, activity } = record;
  if (activity !== 'idle' || !turns)
    throw new WritError(
      'invalid_transition',
      `The agent is busy with turn ${turns?.taken ?? 1}: wait for its end, then restore.`,
    );
  return { ...record, activity: 'busy', restoring: { ...wish, turn: turns.taken + 1 } };
}

/** Null when it is not being restored (any more) by that step. `isDone`: the step has its number; else nothing was changed. */
export function toIdleAgain(record: AgentRecord, { turnId, turn }: Restoring, isDone: boolean): AgentRecord | null {
  if (record.restoring?.turnId !== turnId || !record.turns) return null;
  const turns = isDone ? { ...record.turns, taken: turn } : record.turns;
  return { ...record, activity: 'idle', restoring: undefined, turns };
}

function refuseRestoring({ restoring }: AgentRecord): void {
  if (!restoring) return;
  const detail = `The session is being restored to before turn ${restoring.to}: try again in a moment.`;
  throw new WritError('invalid_transition', detail);
}

/** Null when another turn, or none, is on; what the turn still asked nobody answers any more. `busyMs`: the wall time that the session has used so far. */
export function toIdle(
  record: AgentRecord,
  turnId: string,
  { state, exitReason, reason, result }: Pick<Ending, 'state' | 'exitReason' | 'reason' | 'result'>,
  at: { readonly time: string; readonly busyMs?: number },
): { readonly record: AgentRecord; readonly end: TurnEnd } | null {
  const current = record.turns?.current;
  if (!record.turns || current?.turnId !== turnId) return null;
  const outcome = { exitReason, reason, ...(result ? { result } : {}) };
  const ended = state === 'completed' ? ('completed' as const) : ('failed' as const);
  const end: TurnEnd = { ...current, state: ended, endedAt: at.time, ...outcome };
  const turns = { ...record.turns, current: undefined, last: end };
  const busyMs = at.busyMs ?? record.busyMs;
  return { record: { ...record, activity: 'idle', turns, busyMs, question: undefined }, end };
}
