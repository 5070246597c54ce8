// The steps of a clean-up. Each is done, skipped or failed, with the reason; none throws. [K-7]
import { WritError, type Cleanup } from '#protocol';
import type { AgentsDeps } from '../deps.js';
import { redacted } from '../lifecycle/redact.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import { within } from '../lifecycle/within.js';

export type StepReport = Cleanup['sandbox'];

export const done: StepReport = { outcome: 'done' };
export const skipped = (reason: string): StepReport => ({ outcome: 'skipped', reason });
const failed = (reason: string): StepReport => ({ outcome: 'failed', reason });

/** What the process that ran and stopped the agent knows; absent after a restart: then everything is looked at anew. */
export interface Traces {
  readonly launched: boolean;
  /** Settles when the worktree is made or not made for good; false if it was never begun. */
  readonly worktree: Promise<boolean>;
}

async function reported(deps: AgentsDeps, agentId: string, step: () => Promise<StepReport>): Promise<StepReport> {
  try {
    return await step();
  } catch (cause) {
    deps.log.warn({ cause, agentId }, 'a clean-up step failed; it is tried again');
    return failed(cause instanceof WritError ? redacted(cause.detail) : 'It failed; the log has the cause.');
  }
}

/** Stops what may still live, looks, and removes what the sandbox left on disk. */
export function sandboxStep(deps: AgentsDeps, agentId: string, sandboxes: readonly Sandbox[], traces?: Traces) {
  return reported(deps, agentId, async () => {
    if (traces?.launched === false) return skipped('Nothing was started.');
    const { graceMs, stepMs } = deps.options;
    for (const sandbox of sandboxes) {
      const stop = () => within(graceMs + stepMs, 'Stopping the sandbox', sandbox.stop(agentId, graceMs));
      const left = traces ? 0 : await stop();
      if (left > 0) return failed(`${left} processes still live.`);
      await within(stepMs, 'Removing the sandbox', sandbox.remove(agentId));
    }
    return done;
  });
}

/** Never under a living process. [W-5] The work is kept before anything is removed. [W-1] */
export function worktreeStep(deps: AgentsDeps, agentId: string, sandbox: StepReport, traces?: Traces) {
  return reported(deps, agentId, async () => {
    const { stepMs } = deps.options;
    if (traces && !(await within(stepMs, 'Making the worktree', traces.worktree))) return skipped('There was none.');
    if (sandbox.outcome === 'failed' && (await survivors(deps, agentId)) > 0)
      return failed('It waits until nothing lives in it.');
    const removed = await within(stepMs, 'Removing the worktree', deps.worktrees.remove(agentId));
    return removed === 'removed' ? done : skipped('There was none.');
  });
}

async function survivors(deps: AgentsDeps, agentId: string): Promise<number> {
  const looks = deps.sandboxes.map((sandbox) => sandbox.survivors(agentId));
  const counts = await within(deps.options.stepMs, 'Looking for survivors', Promise.all(looks));
  return counts.reduce((sum, count) => sum + count, 0);
}
