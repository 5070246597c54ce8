// What an agent does between its place in the backlog and its outcome: a person's yes → worktree → sandbox → runtime.
import { traced } from '#tracing';
import { inTime } from '../lifecycle/within.js';
import { argsOf, type Phase } from '../lifecycle/record.js';
import { toPhase, toRunning } from '../lifecycle/states.js';
import type { AgentEgress } from '../egress/egress.js';
import type { AgentModel } from '../model/access.js';
import type { Resolved } from '../profiles/resolver.js';
import type { AgentTask, RuntimeOutcome } from '../runtimes/runtime.js';
import type { Open } from '../sessions/session.js';
import type { Worktree } from '../worktrees/worktrees.js';
import { hostOf } from './host.js';
import type { Kit, RunParts } from './kit.js';
import { refusedBy } from './stop.js';
import type { Leave } from './turnstile.js';

export class Work {
  private model?: AgentModel;
  private egress?: AgentEgress;
  private creating?: Promise<Worktree>;
  private becameRunning?: Promise<unknown>;

  /** `isResumed`: it was running before this process began. */
  constructor(
    private readonly parts: RunParts,
    private readonly kit: Kit,
    private readonly isResumed: boolean,
  ) {
    if (isResumed) this.becameRunning = Promise.resolve();
  }

  /** Where the grant wants a person's yes, nothing begins before it. @throws Stop */
  async approved(): Promise<void> {
    const { agent, signal } = this.kit;
    const { question, answer } = agent;
    const asked = question?.kind === 'spawn';
    const said = asked ? await this.parts.questions.answered(agent.agentId, question, signal) : answer;
    if (said?.kind === 'spawn' && !said.allows) throw refusedBy(said);
  }

  /** `leave` is called when what starts has started. */
  async play(leave: Leave): Promise<RuntimeOutcome> {
    const worktree = await this.worktree();
    await this.phase('sandbox');
    const resolved = await this.parts.deps.resolver.resolve(argsOf(this.kit.agent));
    this.kit.harvester.profile = resolved.profile;
    const [task, host] = [this.task(resolved), this.host(worktree, resolved, leave)];
    if (this.isResumed) leave();
    const began = () => this.running([]);
    const outcome = await this.kit.session.play(this.reviewed(resolved, task, host), began);
    await began();
    return outcome;
  }

  /** Beside the stop, which does not wait for it; before the end is recorded, so that what was spent is in it. */
  async waysClosed(): Promise<void> {
    const { options, log } = this.parts.deps;
    const cut = this.egress?.close();
    if (this.model) await inTime(options.stepMs, 'Ending requests to the model', this.model.close(), log);
    if (cut) await inTime(options.stepMs, 'Closing the way out', cut, log);
  }

  /** Whether there may be a worktree, once its making is over. */
  async madeWorktree(): Promise<boolean> {
    const { creating } = this;
    await Promise.allSettled([creating]);
    return creating !== undefined;
  }

  private async worktree(): Promise<Worktree> {
    const { agent, signal } = this.kit;
    const { agentId, context } = agent;
    await this.phase('worktree');
    const { repository, branch } = context;
    const made = () => this.parts.deps.worktrees.create({ agentId, repository, branch }, signal);
    this.creating = traced('make worktree', {}, made);
    return this.creating;
  }

  private async phase(phase: Phase): Promise<void> {
    if (this.isResumed) return;
    const { agent, signal } = this.kit;
    signal.throwIfAborted();
    await this.parts.register.change(agent.agentId, (record) => ({ record: toPhase(record, phase) }));
  }

  private running(enforced: readonly string[]): Promise<unknown> {
    const { register, mint } = this.parts;
    this.becameRunning ??= register.change(this.kit.agent.agentId, (before) => {
      const record = toRunning(before, enforced.slice(0, 20), mint.time());
      return { record, events: mint.begun(record) };
    });
    return this.becameRunning;
  }

  private task({ profile, skills, model }: Resolved): AgentTask {
    const { agentId, taskId, agentType, context, limits, options } = this.kit.agent;
    const { repository, branch, workItems } = context;
    const { session } = options;
    return { agentId, taskId, agentType, repository, branch, workItems, limits, profile, skills, model, session };
  }

  /** What a turn leaves counts only when it has passed the review. */
  private reviewed({ runtime }: Resolved, task: AgentTask, host: ReturnType<typeof hostOf>): Open {
    const { agent, cell, signal } = this.kit;
    const cool = () => cell.cool(agent.agentId, this.parts.deps.options.graceMs);
    const means = { agent, signal, runtime, cool, launch: host.gate, output: (text: string) => host.output(text) };
    return (memory) => this.parts.reviews.over(runtime.open(task, host, memory), means);
  }

  private host(worktree: Worktree, resolved: Resolved, leave: Leave): ReturnType<typeof hostOf> {
    const launched = async (enforced: readonly string[]) => {
      await this.running(enforced);
      leave();
    };
    const host = hostOf({ ...this.parts, ...this.kit, worktree, resolved, launched });
    this.model = host.model;
    this.egress = host.egress;
    return host;
  }
}
