// One agent from the backlog to its end: work → nothing left alive → judged → delivered → terminal state → clean-up.
// Everything that can stop it is one signal; everything it waits for is raced against that signal.
import { WritError } from '#protocol';
import { traced } from '#tracing';
import type { AgentRecord } from '../lifecycle/record.js';
import type { Ending } from '../lifecycle/states.js';
import { inTime } from '../lifecycle/within.js';
import type { RuntimeOutcome } from '../runtimes/runtime.js';
import type { Session } from '../sessions/session.js';
import type { Preflight } from '../worktrees/worktrees.js';
import { Departure } from './departure.js';
import { endingOfError, endingOfOutcome, endingOfStop } from './endings.js';
import { kitOf, type Kit, type RunParts } from './kit.js';
import { aborted, Stop } from './stop.js';
import type { Leave } from './turnstile.js';
import { Work } from './work.js';

type Finished = { readonly outcome: RuntimeOutcome } | { readonly error: unknown };

export class Run {
  /** The terminal record. Resolves only after a look found nothing alive. */
  readonly ended: Promise<AgentRecord>;
  private readonly controller = new AbortController();
  private readonly kit: Kit;
  private readonly work: Work;
  private readonly departure: Departure;
  private readonly done = Promise.withResolvers<AgentRecord>();
  /** Its terminal state is recorded; what is left is the clean-up. */
  hasEnded = false;

  constructor(
    private readonly parts: RunParts,
    private readonly agent: AgentRecord,
  ) {
    const { signal } = this.controller;
    this.ended = this.done.promise;
    this.kit = kitOf(parts, agent, { signal, stop: (stop) => this.stop(stop) });
    this.work = new Work(parts, this.kit, this.isResumed);
    this.departure = new Departure(parts, this.kit);
  }

  get agentId(): string {
    return this.agent.agentId;
  }

  get owner(): string {
    return this.agent.owner;
  }

  /** Its turns: one, or those of a session. */
  get session(): Session {
    return this.kit.session;
  }

  get isStopping(): boolean {
    return this.controller.signal.aborted || this.hasEnded;
  }

  /** It was running before this process began. */
  private get isResumed(): boolean {
    return this.agent.state === 'running';
  }

  /** The first stop counts. Takes effect at once, whatever the run is waiting for. [K-15] */
  stop(stop: Stop): void {
    this.controller.abort(stop);
  }

  /** How many processes the next try to stop leaves, if it leaves any. */
  nextSurvivors(): Promise<number> {
    return this.departure.nextSurvivors();
  }

  /** Leaves what could not be stopped or recorded to the next start of the spoke. */
  abandon(): void {
    this.departure.abandon();
  }

  /** Never rejects. One span from its place in the backlog until nothing of it is left. */
  live(): Promise<void> {
    const { agentId, agentType } = this.agent;
    const named = { 'gen_ai.agent.id': agentId, 'gen_ai.agent.name': agentType };
    const attributes = { 'gen_ai.operation.name': 'invoke_agent', ...named };
    return traced(`invoke_agent ${agentType}`, { attributes }, async (span) => {
      void this.ended.then(({ state, exitReason = '' }) => {
        span.setAttributes({ 'writ.agent.state': state, 'writ.exit_reason': exitReason });
      });
      await this.lived();
    });
  }

  private async lived(): Promise<void> {
    try {
      const finished = await this.finished();
      await this.emptied();
      if (this.goesOnElsewhere()) await this.handedOver();
      else await this.over(finished);
    } catch (cause) {
      this.parts.deps.log.error({ cause, agentId: this.agentId }, 'a run could not be brought to its end');
    }
  }

  /** What a close would take away; null for nothing. Ends the idle backend first: nothing may live while the worktree is read. */
  async atRisk(): Promise<Preflight | null> {
    const { writes, result } = this.kit.harvester.profile ?? {};
    if (!writes || result !== 'changes') return null;
    if (!(await this.session.cool()))
      throw new WritError('invalid_transition', 'Something of the agent still lives: look again in a moment.');
    const found = await this.parts.deps.worktrees.preflight(this.agentId);
    return found && found.dirty + found.unpushed > 0 ? found : null;
  }

  private async finished(): Promise<Finished> {
    const { clock, signal } = this.kit;
    let leave: Leave | undefined;
    try {
      await this.work.approved();
      leave = await this.parts.starts.enter(signal);
      if (!this.isResumed) clock.start();
      return { outcome: await Promise.race([this.work.play(leave), aborted(signal)]) };
    } catch (error) {
      if (!(error instanceof Stop)) this.parts.deps.log.warn({ cause: error, agentId: this.agentId }, 'a run failed');
      return { error };
    } finally {
      clock.stop();
      leave?.();
    }
  }

  /** Nothing of the agent lives, asks a model or writes any more. */
  private async emptied(): Promise<void> {
    const { options, log } = this.parts.deps;
    const waysClosed = this.work.waysClosed();
    await this.departure.emptied();
    await inTime(options.stepMs, 'Writing down a conversation', this.session.gone(), log);
    await waysClosed;
    await inTime(options.stepMs, 'A restore or a checkpoint that was under way', this.session.rested(), log);
    await inTime(options.stepMs, 'Closing the output', this.kit.outlet.close(), log);
  }

  private async over(finished: Finished): Promise<void> {
    const judged = await this.judged(finished);
    const ended = await this.departure.recorded(await this.delivered(judged));
    this.parts.reader.wake(this.agentId);
    this.hasEnded = true;
    this.done.resolve(ended);
    if (this.session.isKept) await this.parts.memories.drop(this.agentId);
    await this.cleanedUp();
  }

  private async judged(finished: Finished): Promise<Ending> {
    const { harvester, signal } = this.kit;
    const harvest = await harvester.unlessKilled();
    if (signal.aborted) return endingOfStop(signal.reason as Stop, harvest);
    if ('error' in finished) return endingOfError(finished.error, harvest);
    if (finished.outcome.cause)
      this.parts.deps.log.warn({ ...finished.outcome, agentId: this.agentId }, 'a run failed');
    return endingOfOutcome(finished.outcome, harvest);
  }

  /** What was not judged `completed` goes nowhere. */
  private delivered(judged: Ending): Promise<Ending> {
    return this.parts.delivery.deliver(this.agent, judged, this.kit.signal);
  }

  /** A shutdown, or another process that has taken over, ends no session that has begun. */
  private goesOnElsewhere(): boolean {
    const { signal } = this.controller;
    const reason = signal.aborted ? (signal.reason as Stop).exitReason : undefined;
    const isLeft = reason === 'shutdown' || reason === 'spoke_restarted';
    return isLeft && this.session.isKept && this.parts.register.last(this.agentId)?.state === 'running';
  }

  /** Nothing lives here any more; the record says that it is running, and the next holder makes it so. */
  private async handedOver(): Promise<void> {
    const { deps, register } = this.parts;
    const stop = this.controller.signal.reason as Stop;
    const given = stop.exitReason === 'shutdown' ? this.session.giveUp(stop) : Promise.resolve();
    await inTime(deps.options.stepMs, 'Recording the end of a turn', given, deps.log);
    await inTime(deps.options.stepMs, 'Removing the sandbox', this.kit.cell.clear(this.agentId), deps.log);
    this.hasEnded = true;
    register.release(this.agentId);
  }

  private async cleanedUp(): Promise<void> {
    const { harvester, cell } = this.kit;
    await harvester.once().catch((cause: unknown) => {
      this.parts.deps.log.warn({ cause, agentId: this.agentId }, 'what an agent left is kept, but not committed');
    });
    await this.parts.saga.run(this.agentId, { launched: cell.used, worktree: this.work.madeWorktree() });
  }
}
