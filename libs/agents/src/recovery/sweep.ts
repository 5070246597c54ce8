// What a crash, a lost lease or a failed step left behind, found at boot and then from time to time. [K-2] [L-11]
import { inWidth } from '../lifecycle/within.js';
import type { CleanupSaga } from '../cleanup/saga.js';
import type { AgentsDeps } from '../deps.js';
import type { Ledger } from '../lifecycle/ledger.js';
import type { Listing } from '../lifecycle/listing.js';
import { isLive, type AgentRecord, type Lease } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import type { Spools } from '../output/spool.js';
import type { Memories } from '../sessions/memories.js';
import type { Runs } from '../spawner/runs.js';
import { Stop, theSpoke } from '../spawner/stop.js';
import type { Holder } from './holder.js';
import type { Rescue } from './rescue.js';

const lostLease = new Stop('spoke_restarted', theSpoke, 'Another process took the agent over: this one was not heard.');
/** Agents looked after at the same time. */
const WIDTH = 8;

export interface SweepParts {
  readonly deps: AgentsDeps;
  readonly register: Register;
  readonly ledger: Ledger;
  readonly listing: Listing;
  readonly runs: Runs;
  readonly spools: Spools;
  readonly saga: CleanupSaga;
  readonly holder: Holder;
  readonly rescue: Rescue;
  readonly memories: Memories;
  /** Starts the run of an agent that was taken over from the backlog. */
  readonly start: (record: AgentRecord) => void;
}

export class Sweep {
  private timer?: NodeJS.Timeout;
  private running?: Promise<void>;

  constructor(private readonly parts: SweepParts) {}

  /** Everything once, then again every `sweepMs`. */
  async begin(): Promise<void> {
    await this.pass();
    await this.leftovers();
    await this.forgotten();
    await this.recounted();
    const again = () => void this.passSafely();
    this.timer = setInterval(again, this.parts.deps.options.sweepMs).unref();
  }

  async end(): Promise<void> {
    clearInterval(this.timer);
    await this.running;
  }

  private passSafely(): Promise<void> {
    this.running ??= this.pass()
      .catch((cause: unknown) => this.parts.deps.log.error({ cause }, 'a sweep failed; the next one follows'))
      .finally(() => (this.running = undefined));
    return this.running;
  }

  private async pass(): Promise<void> {
    const { spools, deps, runs, listing } = this.parts;
    const ours = runs.all();
    const found = new Map<string, Lease>();
    for await (const lease of listing.leases()) found.set(lease.agentId, lease);
    for (const run of ours) if (!this.isOurs(found.get(run.agentId))) run.stop(lostLease);
    const others = [...found.values()].filter(({ agentId }) => !runs.has(agentId));
    await inWidth(others, WIDTH, (lease) => this.lookAfter(lease));
    await spools.prune(deps.options.outputKeepMs, deps.now(), (agentId) => runs.has(agentId));
  }

  /** A run that has just ended has no live lease either; stopping it then changes nothing. */
  private isOurs(lease: Lease | undefined): boolean {
    return lease !== undefined && !lease.ending && lease.holder === this.parts.holder.holder;
  }

  /** Whoever lives looks after its own agents, also after those that have ended. */
  private async lookAfter({ agentId, ending, holder }: Lease): Promise<void> {
    const { saga, rescue, deps, holder: own } = this.parts;
    const isOwn = holder === own.holder;
    try {
      if (!isOwn && !(await own.isGone(holder))) return;
      if (ending) void saga.run(agentId);
      if (ending || isOwn) return;
      const adopted = await rescue.adopt(agentId);
      if (adopted) this.parts.start(adopted);
      else await rescue.ifAbandoned(agentId);
    } catch (cause) {
      deps.log.error({ cause, agentId }, 'an abandoned agent could not be ended; it is tried again');
    }
  }

  /**
   * Sandboxes and worktrees on disk of agents that ended long ago. A missing record never makes an orphan: after a reset
   * of the store everything would be one. [W-3]
   */
  private async leftovers(): Promise<void> {
    const { deps } = this.parts;
    const worktrees = new Set(await deps.worktrees.known());
    const known = await Promise.all(deps.sandboxes.map((sandbox) => sandbox.known()));
    await inWidth(new Set([...worktrees, ...known.flat()]), WIDTH, async (agentId) => {
      try {
        await this.leftover(agentId, worktrees.has(agentId));
      } catch (cause) {
        deps.log.error({ cause, agentId }, 'a leftover could not be removed');
      }
    });
  }

  private async leftover(agentId: string, hasWorktree: boolean): Promise<void> {
    const { register, deps } = this.parts;
    const [entry, lease] = await Promise.all([register.read(agentId), register.lease(agentId)]);
    if (lease || (entry && isLive(entry.value.state))) return;
    if (!entry) {
      deps.log.warn({ agentId }, 'left on disk by an agent that this store does not know: kept');
      return;
    }
    let left = 0;
    for (const sandbox of deps.sandboxes) left += await this.cleared(agentId, sandbox);
    if (left === 0 && hasWorktree) await deps.worktrees.remove(agentId);
  }

  private async cleared(agentId: string, sandbox: AgentsDeps['sandboxes'][number]): Promise<number> {
    const left = await sandbox.stop(agentId, this.parts.deps.options.graceMs);
    if (left === 0) await sandbox.remove(agentId);
    return left;
  }

  /** Conversations of sessions that are over. */
  private forgotten(): Promise<void> {
    return this.parts.memories.prune(async (agentId) => {
      const entry = await this.parts.register.read(agentId);
      return entry !== null && isLive(entry.value.state);
    });
  }

  private recounted(): Promise<void> {
    return this.parts.ledger.recount(async () => {
      const counts = new Map<string, number>();
      for (const { owner } of await this.parts.listing.liveLeases()) counts.set(owner, (counts.get(owner) ?? 0) + 1);
      return counts;
    });
  }
}
