// What follows every end of an agent, whatever the end was: sandbox, worktree, lease. [L-8] The lease remembers what is
// done, so that a crash, a failed step or a restart resumes instead of forgetting. [K-2]
import type { AgentsDeps } from '../deps.js';
import type { Cleanup } from '#protocol';
import type { EventMint } from '../lifecycle/events.js';
import { isLive, type AgentRecord, type Lease } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import { toEnded, type Ending } from '../lifecycle/states.js';
import type { Turnstile } from '../spawner/turnstile.js';
import { done, sandboxStep, skipped, worktreeStep, type StepReport, type Traces } from './steps.js';

export class CleanupSaga {
  private readonly underWay = new Map<string, Promise<void>>();

  constructor(
    private readonly deps: AgentsDeps,
    private readonly register: Register,
    private readonly mint: EventMint,
    private readonly ends: Turnstile,
    private readonly claim: Pick<Lease, 'holder' | 'site'>,
  ) {}

  /**
   * Commits the terminal state, its event and the claim to clean up in one. To be called after nothing lives any more.
   * Returns the record as it is: someone else may have ended it before.
   */
  end(
    agentId: string,
    ending: Ending,
    claim: Pick<Lease, 'holder' | 'site'> = this.claim,
    changes: Partial<AgentRecord> = {},
  ): Promise<AgentRecord> {
    return this.register.change(agentId, (before) => {
      if (!isLive(before.state)) return null;
      const record = toEnded({ ...before, ...changes }, ending, this.mint.time());
      const { holder, site } = claim;
      const lease: Lease = { agentId, owner: record.owner, holder, site, ending: { done: {}, attempts: 0 } };
      return { record, events: [this.mint.ended(record)], lease };
    });
  }

  /** Does what is left to do. Never rejects; what fails is found again by its lease. Two at once are one. */
  run(agentId: string, traces?: Traces): Promise<void> {
    const running = this.underWay.get(agentId) ?? this.begin(agentId, traces);
    this.underWay.set(agentId, running);
    return running;
  }

  /** When all that is being cleaned up now is done, or left to the next try. */
  async over(): Promise<void> {
    await Promise.all(this.underWay.values());
  }

  private async begin(agentId: string, traces?: Traces): Promise<void> {
    const leave = await this.ends.enter();
    try {
      await this.steps(agentId, traces);
    } catch (cause) {
      this.deps.log.error({ cause, agentId }, 'a clean-up could not be recorded; it is tried again');
    } finally {
      leave();
      this.underWay.delete(agentId);
      this.register.release(agentId);
    }
  }

  /** Who takes over after a crash has stopped the agent in every sandbox, and each has noted that: then all are cleared. */
  private async steps(agentId: string, traces?: Traces): Promise<void> {
    const lease = (await this.register.lease(agentId))?.value;
    if (!lease?.ending || lease.site !== this.claim.site) return;
    const record = await this.register.find(agentId);
    const before = lease.ending.done;
    const sandboxes = this.deps.sandboxes.filter(({ level }) => !traces || level === record.sandbox.level);
    const sandbox = before.sandbox ?? (await sandboxStep(this.deps, agentId, sandboxes, traces));
    const worktree = before.worktree ?? (await worktreeStep(this.deps, agentId, sandbox, traces));
    await this.remember(lease, { sandbox, worktree });
  }

  /** Told as an event whenever it is news: the first time, and when a failed step got done. */
  private async remember(lease: Lease, steps: Pick<Cleanup, 'sandbox' | 'worktree'>): Promise<void> {
    const { observer } = this.deps;
    for (const step of ['sandbox', 'worktree'] as const) observer.cleaned(step, steps[step].outcome);
    const isDone = (step: StepReport) => step.outcome !== 'failed';
    const isOver = isDone(steps.sandbox) && isDone(steps.worktree);
    const cleanup: Cleanup = { ...steps, lease: isOver ? done : skipped('Kept until the other steps are done.') };
    const attempts = (lease.ending?.attempts ?? 0) + 1;
    const kept = Object.fromEntries(Object.entries(steps).filter(([, step]) => isDone(step)));
    await this.register.change(lease.agentId, (before) => ({
      record: { ...before, cleanup },
      events: isNews(before.cleanup, cleanup) ? [this.mint.of('agent.cleanup', lease.agentId, { cleanup })] : [],
      lease: isOver ? null : { ...lease, ...this.claim, ending: { done: kept, attempts } },
    }));
  }
}

function isNews(before: Cleanup | undefined, after: Cleanup): boolean {
  return JSON.stringify(before) !== JSON.stringify(after);
}
