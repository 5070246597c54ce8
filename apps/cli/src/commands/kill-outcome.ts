// What a kill came to, would come to, or still forbids, as people see it.
import type { KillOutcomeResource, LatchBody } from '#protocol';
import type { Desk } from '../desk.js';

/** Done only when a last look found nothing alive: otherwise pending (exit 6) or failed (exit 1). */
export function showOutcome(desk: Desk, outcome: KillOutcomeResource): void {
  const { report, pending } = outcome;
  const waiting = pending.map(({ commandId, spoke }) => `${spoke} (command ${commandId})`);
  desk.print.one(outcome, [
    ['killed', report.killed.join(', ') || 'none'],
    ['already ended', report.alreadyEnded.join(', ')],
    ['failed', report.failed.map(({ agentId, reason }) => `${agentId}: ${reason}`).join(', ')],
    ['survivors', report.survivors],
    ['not answered', waiting.join(', ')],
  ]);
  if (pending.length > 0) desk.pending();
  if (report.survivors > 0 || report.failed.length > 0) desk.failed();
}

export function showLatches(desk: Desk, latches: LatchBody[]): void {
  const columns = [
    { title: 'SCOPE', value: ({ scope }: LatchBody) => scope },
    { title: 'REASON', value: ({ reason }: LatchBody) => reason },
    { title: 'BY', value: ({ actor }: LatchBody) => `${actor.kind}:${actor.id}` },
    { title: 'SINCE', value: ({ setAt }: LatchBody) => setAt },
  ];
  desk.print.list(latches, columns, 'No killswitch is set: agents can be spawned.');
}

/** Nothing has happened yet: how many it would be, and which. */
export function showMeant(desk: Desk, outcome: KillOutcomeResource): void {
  const { killed } = outcome.report;
  desk.print.one(outcome, [
    ['would be killed', killed.length],
    ['agents', killed.join(', ')],
  ]);
}
