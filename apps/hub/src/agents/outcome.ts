// What a settled or open command means to whoever asked for it over REST.
import { killReport, WritError, type KillReport } from '#protocol';
import type { KillOutcome, PendingCommand } from '#api';
import type { CommandRecord } from '../commands/command.js';

/** A refusal is the caller's answer; what is not known yet is no refusal. @throws WritError with the spoke's own code */
export function notRefused(command: CommandRecord): CommandRecord {
  const { state, problem } = command;
  if (state !== 'failed' || !problem) return command;
  const { code, detail, field, retryAfterMs } = problem;
  throw new WritError(code, detail, { field, retryAfterMs });
}

export function pendingOf({ commandId, agentId, spoke }: CommandRecord): PendingCommand {
  return { commandId, agentId, spoke, state: 'pending' };
}

/** One outcome of the kills that went to one or more spokes. */
export function killOutcomeOf(commands: readonly CommandRecord[]): KillOutcome {
  const answered = commands.filter(({ state }) => state === 'delivered');
  const open = commands.filter(({ state }) => state !== 'delivered');
  return { report: merge(answered.map(({ body }) => killReport.parse(body))), pending: open.map(pendingOf) };
}

function merge(reports: readonly KillReport[]): KillReport {
  return {
    killed: reports.flatMap(({ killed }) => killed),
    alreadyEnded: reports.flatMap(({ alreadyEnded }) => alreadyEnded),
    failed: reports.flatMap(({ failed }) => failed),
    survivors: reports.reduce((sum, { survivors }) => sum + survivors, 0),
  };
}
