// Parts of the room of agents that misbehave on demand; beside that they are the real ones that they wrap.
import { Sandbox, Worktrees, type LaunchSpec, type SandboxProcess, type Worktree } from '#agents';
import { Store, type Commit, type CommitResult, type Key, type ListOptions, type ReadOptions } from '#store';

const never = new Promise<never>(() => undefined);

/** Never answers commits that the rule names. */
export class StallingStore extends Store {
  stalled = 0;

  constructor(
    private readonly inner: Store,
    private readonly rule: (commit: Commit) => boolean,
  ) {
    super();
  }

  override get incarnation() {
    return this.inner.incarnation;
  }
  override now() {
    return this.inner.now();
  }
  override get<T>(key: Key) {
    return this.inner.get<T>(key);
  }
  override list<T>(prefix: Key, options?: ListOptions) {
    return this.inner.list<T>(prefix, options);
  }
  override commit(commit: Commit): Promise<CommitResult> {
    if (!this.rule(commit)) return this.inner.commit(commit);
    this.stalled++;
    return never;
  }
  override read<T>(stream: Key, options: ReadOptions) {
    return this.inner.read<T>(stream, options);
  }
  override head(stream: Key) {
    return this.inner.head(stream);
  }
  override watch<T>(stream: Key, after: number, signal: AbortSignal) {
    return this.inner.watch<T>(stream, after, signal);
  }
  override trim(stream: Key, through: number) {
    return this.inner.trim(stream, through);
  }
  override close() {
    return this.inner.close();
  }
}

/** Makes worktrees late, removes them no sooner than it may, and fails to remove those that it is told to. */
export class SlowWorktrees extends Worktrees {
  readonly unremovable = new Set<string>();
  /** Whom it was asked to remove. */
  readonly removals: string[] = [];
  held?: Promise<void>;

  constructor(
    private readonly inner: Worktrees,
    private readonly delayMs = 0,
  ) {
    super();
  }

  override async create(request: Parameters<Worktrees['create']>[0], signal: AbortSignal): Promise<Worktree> {
    await new Promise((resolve) => setTimeout(resolve, this.delayMs).unref());
    return this.inner.create(request, signal);
  }
  override get stock() {
    return this.inner.stock;
  }
  override get checkpoints() {
    return this.inner.checkpoints;
  }
  override preflight(agentId: string) {
    return this.inner.preflight(agentId);
  }
  override push(...args: Parameters<Worktrees['push']>) {
    return this.inner.push(...args);
  }
  override harvest(agentId: string, message: string) {
    return this.inner.harvest(agentId, message);
  }
  override outgoing(...args: Parameters<Worktrees['outgoing']>) {
    return this.inner.outgoing(...args);
  }
  override diff(agentId: string, bytesMax: number) {
    return this.inner.diff(agentId, bytesMax);
  }
  override harvested(agentId: string) {
    return this.inner.harvested(agentId);
  }
  override bundle(...args: Parameters<Worktrees['bundle']>) {
    return this.inner.bundle(...args);
  }
  override async remove(agentId: string) {
    this.removals.push(agentId);
    if (this.unremovable.has(agentId) || this.unremovable.has('*')) throw new Error('EBUSY: /srv/secret/tree');
    await this.held;
    return this.inner.remove(agentId);
  }
  override known() {
    return this.inner.known();
  }
}

/** Does not stop the agents in the set: as a hung container engine would not. */
export class StubbornSandbox extends Sandbox {
  constructor(
    private readonly inner: Sandbox,
    private readonly stubborn: ReadonlySet<string>,
  ) {
    super();
  }

  override get level() {
    return this.inner.level;
  }
  override probe() {
    return this.inner.probe();
  }
  override launch(spec: LaunchSpec): Promise<SandboxProcess> {
    return this.inner.launch(spec, new AbortController().signal);
  }
  override stop(agentId: string, graceMs: number): Promise<number> {
    return this.stubborn.has(agentId) ? never : this.inner.stop(agentId, graceMs);
  }
  override hold(agentId: string) {
    return this.inner.hold(agentId);
  }
  override calm(agentId: string) {
    return this.inner.calm(agentId);
  }
  override survivors(agentId: string) {
    return this.inner.survivors(agentId);
  }
  override known() {
    return this.inner.known();
  }
  override remove(agentId: string) {
    return this.inner.remove(agentId);
  }
}
