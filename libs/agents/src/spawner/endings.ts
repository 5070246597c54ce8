// What an agent's end is called: from a runtime's outcome, from an error on the way, or from the reason it was stopped for.
import { agentResult, WritError, type AgentResult, type ExitReason } from '#protocol';
import type { Ending } from '../lifecycle/states.js';
import { LimitReached, type RuntimeOutcome } from '../runtimes/runtime.js';
import type { Harvest } from '../worktrees/worktrees.js';
import { lacksRoom, noRoom } from './no-room.js';
import { Stop, theSpoke } from './stop.js';

const reasonOfCode: Partial<Record<WritError['code'], ExitReason>> = {
  sandbox_unavailable: 'sandbox_error',
  limit_unenforceable: 'sandbox_error',
  repository_unavailable: 'repository_error',
};

export function endingOfStop(stop: Stop, harvest: Harvest | null): Ending {
  const { state, exitReason, actor, message: reason } = stop;
  return { state, exitReason, actor, reason, ...(harvest ? { result: withHarvest(noResult, harvest) } : {}) };
}

/** The text of an unknown error stays in the log. */
export function endingOfError(error: unknown, harvest: Harvest | null): Ending {
  if (error instanceof Stop) return endingOfStop(error, harvest);
  const failed = { state: 'failed', actor: theSpoke } as const;
  const result = harvest ? { result: withHarvest(noResult, harvest) } : {};
  if (error instanceof LimitReached)
    return { ...failed, ...result, exitReason: error.exitReason, reason: error.message };
  if (lacksRoom(error)) return { ...failed, ...result, exitReason: 'disk', reason: noRoom };
  if (error instanceof WritError)
    return { ...failed, ...result, exitReason: reasonOfCode[error.code] ?? 'runtime_error', reason: error.detail };
  return { ...failed, ...result, exitReason: 'runtime_error', reason: 'The run failed; the log has the cause.' };
}

export function endingOfOutcome(outcome: RuntimeOutcome, harvest: Harvest | null): Ending {
  const checked = outcomeResult.safeParse(outcome.result);
  const { failure } = outcome;
  if (!checked.success) {
    const reason = failure ?? 'The agent left a result that does not have the shape of the protocol.';
    return { ...endingOfError(null, harvest), exitReason: 'result_invalid', reason };
  }
  const result = withHarvest(checked.data, harvest);
  const isDone = failure === undefined && outcome.exitReason === 'finished';
  const reason = failure ?? (isDone ? 'The agent finished its work.' : `The run ended with ${outcome.exitReason}.`);
  const state = isDone ? 'completed' : 'failed';
  return { state, exitReason: outcome.exitReason, actor: theSpoke, reason, result };
}

/** Where its work went only the spoke can say. */
const outcomeResult = agentResult.omit({ push: true, secrets: true });

const noResult: AgentResult = { summary: '', items: [] };

function withHarvest(result: AgentResult, harvest: Harvest | null): AgentResult {
  return harvest ? { ...result, ...harvest } : result;
}
