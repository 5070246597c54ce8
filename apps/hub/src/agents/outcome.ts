// What a settled or open command means to whoever asked for it over REST.
import { killReport, mergedKills, WritError } from '#protocol';
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

/** A no of every spoke is the caller's answer. @throws WritError with the first spoke's code */
export function allRefused(commands: readonly CommandRecord[]): void {
  const [first] = commands;
  if (first && commands.every(({ state }) => state === 'failed')) notRefused(first);
}

/**
 * One outcome of the kills that went to one or more spokes. What one of them refused hides nothing of the others: its
 * live agents, which `liveOn` names, stand as failed. @throws WritError when all refused
 */
export function killOutcomeOf(
  commands: readonly CommandRecord[],
  liveOn: (connectionId: string) => readonly string[],
): KillOutcome {
  allRefused(commands);
  const answered = commands.filter(({ state }) => state === 'delivered').map(({ body }) => killReport.parse(body));
  const open = commands.filter(({ state }) => state === 'pending' || state === 'timed_out');
  const failed = commands.filter(isRefusedKill).flatMap(({ connectionId, agentId, problem }) => {
    const alive = agentId === undefined ? liveOn(connectionId) : [agentId];
    return alive.map((agentId) => ({ agentId, reason: problem?.detail.slice(0, 500) ?? 'refused' }));
  });
  const survivors = failed.length;
  return {
    report: mergedKills([...answered, { killed: [], alreadyEnded: [], failed, survivors }]),
    pending: open.map(pendingOf),
  };
}

/** An agent that the spoke never had, because its spawn had not come, cannot be killed and does not live. */
function isRefusedKill({ state, op, problem }: CommandRecord): boolean {
  return state === 'failed' && (op === 'agents.kill' || (op === 'agent.kill' && problem?.code !== 'not_found'));
}
