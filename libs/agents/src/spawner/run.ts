// One agent from the backlog to its end: worktree → sandbox → runtime → nothing left alive → terminal state → clean-up.
// Everything that can stop it is one signal; everything it waits for is raced against that signal.
import { setTimeout as pause } from 'node:timers/promises';
import { WritError } from '#protocol';
import type { CleanupSaga } from '../cleanup/saga.js';
import { inTime } from '../lifecycle/within.js';
import type { AgentsDeps } from '../deps.js';
import type { EventMint } from '../lifecycle/events.js';
import type { AgentRecord, Phase } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import { toPhase, toRunning, type Ending } from '../lifecycle/states.js';
import { Outlet } from '../output/outlet.js';
import type { AgentModel } from '../model/access.js';
import type { OutputReader } from '../output/reader.js';
import type { Spools } from '../output/spool.js';
import type { Resolved } from '../profiles/resolver.js';
import type { AgentTask, RuntimeHost, RuntimeOutcome } from '../runtimes/runtime.js';
import type { Preflight, Worktree } from '../worktrees/worktrees.js';
import { argsOf } from '../lifecycle/record.js';
import type { Questions } from '../questions/questions.js';
import type { Treasury } from '../spending/treasury.js';
import type { Pool } from '../pool/pool.js';
import type { Memories } from '../sessions/memories.js';
import { Session } from '../sessions/session.js';
import type { WarmBackend } from '../sessions/warm-backend.js';
import { Cell } from './cell.js';
import type { Delivery } from './delivery.js';
import { endingOfError, endingOfOutcome, endingOfStop } from './endings.js';
import { Harvester } from './harvester.js';
import { hostOf } from './host.js';
import { Meter } from './meter.js';

import { aborted, refusedBy, Stop, theSpoke } from './stop.js';
import type { Leave, Turnstile } from './turnstile.js';
import { WallClock } from './wall-clock.js';

/** Between two tries to stop or to record what ended. */
const RETRY_MS = [200, 1_000, 5_000, 15_000, 30_000] as const;

export interface RunParts {
  readonly deps: AgentsDeps;
  readonly register: Register;
  readonly mint: EventMint;
  readonly treasury: Treasury;
  readonly spools: Spools;
  readonly reader: OutputReader;
  readonly starts: Turnstile;
  readonly ends: Turnstile;
  readonly saga: CleanupSaga;
  readonly questions: Questions;
  readonly memories: Memories;
  readonly delivery: Delivery;
  readonly pool: Pool<WarmBackend>;
}

type Finished = { readonly outcome: RuntimeOutcome } | { readonly error: unknown };

export class Run {
  readonly agentId: string;
  readonly owner: string;
  /** The terminal record. Resolves only after a look found nothing alive. */
  readonly ended: Promise<AgentRecord>;
  /** Its turns: one, or those of a session. */
  readonly session: Session;
  private readonly clock: WallClock;
  private readonly harvester: Harvester;
  private readonly controller = new AbortController();
  private readonly cell: Cell;
  private readonly outlet: Outlet;
  private readonly meter: Meter;
  private readonly done = Promise.withResolvers<AgentRecord>();
  private stuck = Promise.withResolvers<number>();
  private model?: AgentModel;
  private creating?: Promise<Worktree>;
  private becameRunning?: Promise<unknown>;
  private isAbandoned = false;
  /** Its terminal state is recorded; what is left is the clean-up. */
  hasEnded = false;

  constructor(
    private readonly parts: RunParts,
    private readonly agent: AgentRecord,
  ) {
    const { agentId, owner, limits } = agent;
    const { deps } = parts;
    this.agentId = agentId;
    this.owner = owner;
    this.ended = this.done.promise;
    const sandbox = deps.sandboxes.find((one) => one.level === agent.sandbox.level);
    this.cell = new Cell(sandbox, deps.options.stepMs);
    this.meter = new Meter({ ...parts, agentId, owner, stop: (stop) => this.stop(stop) });
    this.outlet = new Outlet({
      ...parts,
      agentId,
      log: deps.log,
      bytesMax: limits.outputBytesMax ?? Number.MAX_SAFE_INTEGER,
      inlineBytesMax: deps.options.outputInlineBytesMax,
      flushMs: deps.options.outputFlushMs,
      wrote: () => parts.reader.wake(agentId),
      from: { bytes: agent.outputBytes, dropped: agent.outputDropped },
    });
    const { wallMs } = limits;
    const late = () => this.stop(new Stop('wall_time', theSpoke, `The agent ran for ${wallMs ?? 0} ms, its limit.`));
    this.clock = new WallClock(wallMs, agent.busyMs ?? 0, late);
    const { signal } = this.controller;
    const stop = (why: Stop) => this.stop(why);
    this.harvester = new Harvester({ ...parts, agent, signal, stop });
    const { now, log, options } = deps;
    const session = {
      agent,
      signal,
      now,
      log,
      stepMs: options.stepMs,
      stop,
      cool: () => this.cell.cool(agentId, options.graceMs),
    };
    this.session = new Session({ ...parts, ...session, clock: this.clock });
    if (this.isResumed) this.becameRunning = Promise.resolve();
  }

  /** It was running before this process began. */
  private get isResumed(): boolean {
    return this.agent.state === 'running';
  }

  get isStopping(): boolean {
    return this.controller.signal.aborted || this.hasEnded;
  }

  /** The first stop counts. Takes effect at once, whatever the run is waiting for. [K-15] */
  stop(stop: Stop): void {
    this.controller.abort(stop);
  }

  /** How many processes the next try to stop leaves, if it leaves any. */
  nextSurvivors(): Promise<number> {
    return this.stuck.promise;
  }

  /** Leaves what could not be stopped or recorded to the next start of the spoke. */
  abandon(): void {
    this.isAbandoned = true;
  }

  /** Never rejects. */
  async live(): Promise<void> {
    try {
      const finished = await this.work();
      const modelClosed = this.modelClosed();
      await this.emptied();
      this.session.gone();
      await modelClosed;
      await inTime(this.parts.deps.options.stepMs, 'Closing the output', this.outlet.close(), this.parts.deps.log);
      if (this.goesOnElsewhere()) await this.handedOver();
      else await this.over(finished);
    } catch (cause) {
      this.parts.deps.log.error({ cause, agentId: this.agentId }, 'a run could not be brought to its end');
    }
  }

  private async over(finished: Finished): Promise<void> {
    const judged = await this.endingOf(finished);
    const ended = await this.recorded(await this.delivered(judged));
    this.parts.reader.wake(this.agentId);
    this.hasEnded = true;
    this.done.resolve(ended);
    if (this.session.isKept) await this.parts.memories.drop(this.agentId);
    await this.cleanedUp();
  }

  private async work(): Promise<Finished> {
    const { signal } = this.controller;
    let leave: Leave | undefined;
    try {
      await this.approved(signal);
      leave = await this.parts.starts.enter(signal);
      if (!this.isResumed) this.clock.start();
      return { outcome: await Promise.race([this.steps(leave), aborted(signal)]) };
    } catch (error) {
      if (!(error instanceof Stop)) this.parts.deps.log.warn({ cause: error, agentId: this.agentId }, 'a run failed');
      return { error };
    } finally {
      this.clock.stop();
      leave?.();
    }
  }

  /** Where the grant wants a person's yes, nothing begins before it. */
  private async approved(signal: AbortSignal): Promise<void> {
    const { question, answer } = this.agent;
    const asked = question?.kind === 'spawn';
    const said = asked ? await this.parts.questions.answered(this.agentId, question, signal) : answer;
    if (said?.kind === 'spawn' && !said.allows) throw refusedBy(said);
  }

  private async steps(leave: Leave): Promise<RuntimeOutcome> {
    const { repository, branch } = this.agent.context;
    const { agentId } = this.agent;
    const { deps } = this.parts;
    if (!this.isResumed) await this.phase('worktree');
    this.creating = deps.worktrees.create({ agentId, repository, branch }, this.controller.signal);
    const worktree = await this.creating;
    if (!this.isResumed) await this.phase('sandbox');
    const resolved = await deps.resolver.resolve(argsOf(this.agent));
    this.harvester.profile = resolved.profile;
    const [task, host] = [this.task(resolved), this.host(worktree, resolved, leave)];
    if (this.isResumed) leave();
    const began = () => this.running([]);
    const outcome = await this.session.play((memory) => resolved.runtime.open(task, host, memory), began);
    await began();
    return outcome;
  }

  private async phase(phase: Phase): Promise<void> {
    this.controller.signal.throwIfAborted();
    await this.parts.register.change(this.agentId, (record) => ({ record: toPhase(record, phase) }));
  }

  private running(enforced: readonly string[]): Promise<unknown> {
    this.becameRunning ??= this.parts.register.change(this.agentId, (before) => {
      const record = toRunning(before, enforced.slice(0, 20), this.parts.mint.time());
      return { record, events: this.parts.mint.begun(record) };
    });
    return this.becameRunning;
  }

  private task({ profile, skills, model }: Resolved): AgentTask {
    const { agentId, taskId, agentType, context, limits } = this.agent;
    const { repository, branch, workItems } = context;
    const { session } = this.agent.options;
    return { agentId, taskId, agentType, repository, branch, workItems, limits, profile, skills, model, session };
  }

  private host(worktree: Worktree, resolved: Resolved, leave: Leave): RuntimeHost {
    const { cell, meter, outlet, agent } = this;
    const { signal } = this.controller;
    const launched = async (enforced: readonly string[]) => {
      await this.running(enforced);
      leave();
    };
    const host = hostOf({
      ...{ cell, meter, outlet, agent, signal, worktree, resolved, launched },
      deps: this.parts.deps,
    });
    this.model = host.model;
    return host;
  }

  /** Beside the stop, which does not wait for it; before the end is recorded, so that what was spent is in it. */
  private async modelClosed(): Promise<void> {
    const { deps } = this.parts;
    if (this.model) await inTime(deps.options.stepMs, 'Ending requests to the model', this.model.close(), deps.log);
  }

  /** What a close would take away; null for nothing. Ends the idle backend first: nothing may live while the worktree is read. */
  async atRisk(): Promise<Preflight | null> {
    const { writes, result } = this.harvester.profile ?? {};
    if (!writes || result !== 'changes') return null;
    if (!(await this.session.cool()))
      throw new WritError('invalid_transition', 'Something of the agent still lives: look again in a moment.');
    const found = await this.parts.deps.worktrees.preflight(this.agentId);
    return found && found.dirty + found.unpushed > 0 ? found : null;
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
    await inTime(deps.options.stepMs, 'Removing the sandbox', this.cell.clear(this.agentId), deps.log);
    this.hasEnded = true;
    register.release(this.agentId);
  }

  /** Tries until a look finds nothing: until then the agent is alive and keeps its place. [S-7] [L-7] */
  private async emptied(): Promise<void> {
    for (let tries = 0; ; tries++) {
      const left = await this.emptyOnce();
      if (left === 0) return;
      this.stuck.resolve(left);
      this.stuck = Promise.withResolvers<number>();
      await this.retryPause(tries);
    }
  }

  private async emptyOnce(): Promise<number> {
    try {
      return await this.cell.empty(this.agentId, this.parts.deps.options.graceMs);
    } catch (cause) {
      this.parts.deps.log.error({ cause, agentId: this.agentId }, 'a sandbox could not be stopped; it is tried again');
      return 1;
    }
  }

  private async endingOf(finished: Finished): Promise<Ending> {
    const harvest = await this.harvester.unlessKilled();
    const { signal } = this.controller;
    if (signal.aborted) return endingOfStop(signal.reason as Stop, harvest);
    if ('error' in finished) return endingOfError(finished.error, harvest);
    if (finished.outcome.cause)
      this.parts.deps.log.warn({ ...finished.outcome, agentId: this.agentId }, 'a run failed');
    return endingOfOutcome(finished.outcome, harvest);
  }

  /** What was not judged `completed` goes nowhere. */
  private delivered(judged: Ending): Promise<Ending> {
    return this.parts.delivery.deliver(this.agent, judged, this.controller.signal);
  }

  /** Not tied to any signal: a report of the end is made also while everything shuts down. [L-12] */
  private async recorded(ending: Ending): Promise<AgentRecord> {
    for (let tries = 0; ; tries++) {
      try {
        return await this.parts.saga.end(this.agentId, ending);
      } catch (cause) {
        this.parts.deps.log.error({ cause, agentId: this.agentId }, 'an end could not be recorded; it is tried again');
        await this.retryPause(tries);
      }
    }
  }

  private async retryPause(tries: number): Promise<void> {
    if (this.isAbandoned) throw new Error('abandoned: the next start of the spoke takes over');
    await pause(RETRY_MS[Math.min(tries, RETRY_MS.length - 1)], undefined, { ref: false });
  }

  private async cleanedUp(): Promise<void> {
    await this.harvester.once().catch((cause: unknown) => {
      this.parts.deps.log.warn({ cause, agentId: this.agentId }, 'what an agent left is kept, but not committed');
    });
    const { creating } = this;
    const worktree = creating?.then(
      () => true,
      () => true,
    );
    await this.parts.saga.run(this.agentId, { launched: this.cell.used, worktree: worktree ?? Promise.resolve(false) });
  }
}
