// The sandbox of one agent: what was launched in it, and how it is emptied. Emptied means that a look found nothing. [K-8]
import { WritError } from '#protocol';
import { within } from '../lifecycle/within.js';
import type { LaunchSpec, Sandbox, SandboxProcess } from '../sandbox/sandbox.js';
import { nothingRuns, type Calm } from '../sandbox/calm.js';
import { nothingMoves, type Hold } from '../sandbox/stillness.js';

export type CellSpec = Pick<LaunchSpec, 'agentId' | 'cwd' | 'mounts' | 'limits'>;

export class Cell {
  /** Ends everything at once, without grace; aborted only after the gentle stop. */
  private readonly hard = new AbortController();
  private readonly launching = new Set<Promise<unknown>>();
  private launches = 0;
  private closed = false;
  /** Whether anything was ever started: if not, there is nothing to clean up. */
  used = false;

  constructor(
    private readonly sandbox: Sandbox | undefined,
    private readonly stepMs: number,
  ) {}

  /** The signal ends this launch alone. @throws WritError `sandbox_unavailable`, `limit_unenforceable`; `killed` once the cell is being emptied. */
  async launch(
    spec: CellSpec,
    argv: readonly [string, ...string[]],
    env?: Readonly<Record<string, string>>,
    signal?: AbortSignal,
  ): Promise<SandboxProcess> {
    if (this.closed) throw new WritError('killed', 'The agent is being stopped.');
    if (!this.sandbox)
      throw new WritError('sandbox_unavailable', 'The sandbox of this agent is not configured any more.');
    this.used = true;
    this.launches += 1;
    const launch = { ...spec, argv, env: { ...env } };
    const own = signal ? AbortSignal.any([this.hard.signal, signal]) : this.hard.signal;
    const started = this.sandbox.launch(launch, own);
    const settled = started.then(
      () => undefined,
      () => undefined,
    );
    this.launching.add(settled);
    void settled.then(() => this.launching.delete(settled));
    return started;
  }

  /** Ends what runs, but lets new launches in afterwards. Returns how many are left; only with none may anything be launched again. */
  async cool(agentId: string, graceMs: number): Promise<number> {
    const { sandbox } = this;
    if (!sandbox || !this.used || this.closed) return 0;
    const left = await within(graceMs + this.stepMs, 'Stopping the sandbox', sandbox.stop(agentId, graceMs));
    if (left === 0) await within(this.stepMs, 'Removing the sandbox', sandbox.remove(agentId));
    return left;
  }

  /** Holds still what runs; null when that cannot be shown: then only its end makes it still. */
  async hold(agentId: string): Promise<Hold | null> {
    if (!this.sandbox || !this.used) return nothingMoves;
    if (this.closed || this.launching.size > 0) return null;
    return this.sandbox.hold(agentId);
  }

  /** A moment in which nothing of it runs, if there is one now; the next launch ends it. */
  async calm(agentId: string): Promise<Calm | null> {
    const { launches } = this;
    const isOver = () => this.closed || this.launching.size > 0 || this.launches !== launches;
    const inside = this.sandbox && this.used ? await this.sandbox.calm(agentId) : nothingRuns;
    return inside && { lasts: () => !isOver() && inside.lasts() };
  }

  /** Removes what an emptied cell left on disk, so that the agent can be started again. */
  async clear(agentId: string): Promise<void> {
    if (this.used) await this.sandbox?.remove(agentId);
  }

  /** SIGTERM, grace, SIGKILL, and a look. Whatever was being launched meanwhile ends too. Returns how many are left. */
  async empty(agentId: string, graceMs: number): Promise<number> {
    const { sandbox } = this;
    this.closed = true;
    if (!sandbox || !this.used) return 0;
    const isLaunching = this.launching.size > 0;
    let left: number;
    try {
      left = await within(graceMs + this.stepMs, 'Stopping the sandbox', sandbox.stop(agentId, graceMs));
    } finally {
      this.hard.abort();
    }
    if (!isLaunching) return left;
    await within(this.stepMs, 'A launch that was stopped', Promise.all(this.launching));
    return within(this.stepMs, 'Looking for survivors', this.secondLook(sandbox, agentId));
  }

  /** What a launch that was under way left behind gets no grace. */
  private async secondLook(sandbox: Sandbox, agentId: string): Promise<number> {
    const left = await sandbox.survivors(agentId);
    return left === 0 ? 0 : sandbox.stop(agentId, 0);
  }
}
