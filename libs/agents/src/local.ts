// The face, answered by this machine: each question goes to the part that knows.
import {
  type Actor,
  type AgentCounts,
  type AgentResource,
  type CheckpointResource,
  type GcReport,
  type GcRequest,
  type KillReport,
  type OpenQuestion,
  type Restored,
  type TurnTaken,
} from '#protocol';
import { Agents } from './agents.js';
import type {
  AgentFilter,
  BundleFile,
  CloseRequest,
  Latch,
  OutputChunk,
  Reply,
  RestoreRequest,
  SendRequest,
  SpawnRequest,
} from './agents.js';
import { inTime } from './lifecycle/within.js';
import type { AgentsDeps } from './deps.js';
import type { PoolView } from './pool/pool.js';
import { hasSession, isLive, resourceOf } from './lifecycle/record.js';
import type { Doors, Ground } from './parts.js';
import type { Draining } from './spawner/drain.js';
import { Stop, theSpoke } from './spawner/stop.js';
import { localOwner, peersPart } from './spending/options.js';
import { reportOf, type UsageGroup, type UsageQuestion } from './spending/report.js';

export class LocalAgents extends Agents {
  private readonly watching = new AbortController();
  private ended?: Promise<void>;

  constructor(
    private readonly deps: AgentsDeps,
    private readonly ground: Ground,
    private readonly doors: Doors,
  ) {
    super();
  }

  /** Claims the lease, ends what a crash left, and hears stop orders from then on. */
  async open(): Promise<void> {
    await this.doors.holder.claim();
    void this.doors.orders.follow(this.watching.signal);
    this.ground.pool.begin();
    await this.doors.sweep.begin();
    await this.doors.collector.begin();
  }

  /** Refuses new spawns, stops every agent and records it as `failed` with `shutdown`; a session is left as it is, for the next start. What does not end in time is left to the next start. [S-6] [L-12] */
  close(): Promise<void> {
    this.ended ??= this.shutDown();
    return this.ended;
  }

  spawn(request: SpawnRequest): Promise<AgentResource> {
    return this.doors.spawner.spawn(request);
  }

  send(request: SendRequest): Promise<TurnTaken> {
    return this.doors.sessions.send(request);
  }

  closeSession(request: CloseRequest): Promise<AgentResource> {
    return this.doors.sessions.close(request);
  }

  restore(request: RestoreRequest): Promise<Restored> {
    return this.doors.sessions.restore(request);
  }

  async checkpoints(agentId: string, owner?: string): Promise<readonly CheckpointResource[]> {
    const record = await this.ground.register.find(agentId, owner);
    if (!hasSession(record) || !isLive(record.state) || record.state === 'spawning') return [];
    return this.deps.worktrees.checkpoints.list(agentId);
  }

  async get(agentId: string, owner?: string): Promise<AgentResource> {
    return resourceOf(await this.ground.register.find(agentId, owner));
  }

  /** The process that runs a live agent, as `createAgents` was told its name; undefined for others. */
  async holderOf(agentId: string): Promise<string | undefined> {
    const lease = (await this.ground.register.lease(agentId))?.value;
    return lease?.ending ? undefined : lease?.holder;
  }

  list(filter: AgentFilter): Promise<{ agents: readonly AgentResource[]; next?: string }> {
    return this.ground.listing.list(filter);
  }

  output(agentId: string, offset: number, bytesMax: number, owner?: string): Promise<OutputChunk> {
    return this.ground.reader.read(agentId, offset, bytesMax, owner);
  }

  follow(agentId: string, offset: number, signal: AbortSignal, owner?: string): AsyncIterable<OutputChunk> {
    return this.ground.reader.follow(agentId, offset, signal, owner);
  }

  /** Empty for an agent that never got as far as a worktree. @throws WritError `withheld` for work that may not leave, or that could not be looked at. */
  async diff(agentId: string, owner?: string): Promise<{ text: string; truncated: boolean }> {
    const { context } = await this.ground.register.find(agentId, owner);
    return this.ground.window.diff({ agentId, repository: context.repository });
  }

  async bundle(agentId: string, owner?: string): Promise<BundleFile> {
    const { context } = await this.ground.register.find(agentId, owner);
    return this.ground.bundles.of({ agentId, repository: context.repository });
  }

  kill(agentId: string, actor: Actor, reason: string, owner?: string): Promise<KillReport> {
    return this.doors.killswitch.kill(agentId, actor, reason, owner);
  }

  killAll(scope: string, actor: Actor, reason: string): Promise<KillReport> {
    return this.doors.killswitch.killAll(scope, actor, reason);
  }

  ownerLost(owner: string, reason: string): Promise<KillReport> {
    return this.doors.killswitch.ownerLost(owner, reason);
  }

  reset(scope: string, actor: Actor, reason: string): Promise<boolean> {
    this.deps.log.info({ scope, actor, reason }, 'a latch is being reset');
    return this.doors.latches.reset(scope, actor);
  }

  latches(): Promise<readonly Latch[]> {
    return this.doors.latches.all();
  }

  questions(): Promise<readonly OpenQuestion[]> {
    return this.ground.questions.open();
  }

  answer(questionId: string, reply: Reply, actor: Actor): Promise<OpenQuestion> {
    return this.ground.questions.answer(questionId, reply, actor);
  }

  /** What is warm now. */
  pool(): PoolView {
    return this.ground.pool.view();
  }

  live(owner?: string): Promise<number> {
    return this.ground.ledger.live(owner);
  }

  async free(owner: string): Promise<number> {
    if (await this.draining()) return 0;
    const { agentsMax } = this.deps.options;
    const books = await this.ground.ledger.books();
    if (owner === localOwner) return Math.max(0, agentsMax - books.liveOf(() => true));
    return Math.max(0, peersPart(agentsMax, this.deps.budget) - books.live(owner));
  }

  async counts(): Promise<AgentCounts> {
    const [living, ended] = await Promise.all([this.ground.listing.living(), this.ground.ledger.ended()]);
    return { ...living, ...ended };
  }

  usage(question: UsageQuestion): Promise<readonly UsageGroup[]> {
    return reportOf(this.ground.ledger.rows, question);
  }

  /** No new agents from here on, also after a restart; those that are there go on. One that stands stays as it is. */
  async drain(actor: Actor, reason: string): Promise<void> {
    await this.doors.drain.begin({ actor, reason, since: new Date(this.deps.now()).toISOString() });
  }

  draining(): Promise<Draining | undefined> {
    return this.doors.drain.state();
  }

  /** New agents again. */
  lift(): Promise<void> {
    return this.doors.drain.lift();
  }

  /** Collects what is on disk and belongs to no live agent; with `dryRun` only says what it would do. */
  gc(request: GcRequest): Promise<GcReport> {
    return this.doors.collector.collect(request);
  }

  /** What worktrees and output take of the disk, as the last garbage collection found it, and what they may. */
  disk(): { readonly bytes: number | undefined; readonly bytesMax: number } {
    return { bytes: this.doors.collector.bytes, bytesMax: this.deps.options.gc.diskBytesMax };
  }

  private async shutDown(): Promise<void> {
    const { options, log } = this.deps;
    const { runs } = this.ground;
    this.doors.spawner.close();
    for (const run of runs.all()) run.stop(new Stop('shutdown', theSpoke, 'The spoke shuts down.'));
    await inTime(options.graceMs + options.stepMs, 'Ending all agents', runs.over(), log);
    for (const run of runs.all()) run.abandon();
    await inTime(options.stepMs, 'Emptying the pool', this.ground.pool.drain(), log);
    this.watching.abort();
    await this.doors.sweep.end();
    await inTime(options.stepMs, 'Ending all clean-ups', this.ground.saga.over(), log);
    await inTime(options.stepMs, 'Ending the garbage collection', this.doors.collector.end(), log);
    await this.doors.holder.give();
    await this.deps.scanner.close();
  }
}
