// An agent whose process is gone: what still lives of it is stopped, its end recorded, its clean-up begun. An agent that
// only waited in the backlog has lost nothing and goes on here.
import { within } from '../lifecycle/within.js';
import type { CleanupSaga } from '../cleanup/saga.js';
import type { AgentsDeps } from '../deps.js';
import { isLive, type AgentRecord, type Intent, type Lease } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import type { Intents } from '../killswitch/intents.js';
import type { Spools } from '../output/spool.js';
import { endingOfStop } from '../spawner/endings.js';
import { Stop, theSpoke } from '../spawner/stop.js';
import type { Holder } from './holder.js';

/** Nobody waits for words of an agent whose spoke is gone. */
const GRACE_MS = 1_000;
/** In these nothing has begun yet. */
const waits: readonly AgentRecord['phase'][] = ['approval', 'queued'];

export interface RescueParts {
  readonly deps: AgentsDeps;
  readonly register: Register;
  readonly spools: Spools;
  readonly saga: CleanupSaga;
  readonly holder: Holder;
  readonly intents: Intents;
}

export class Rescue {
  constructor(private readonly parts: RescueParts) {}

  /**
   * Ends an agent that nobody runs any more: as what was asked for before its process went away, else as what is asked for
   * now. Returns its record as it is now. @throws WritError `not_found`.
   */
  async ifAbandoned(agentId: string, will?: Intent): Promise<AgentRecord> {
    const lease = (await this.parts.register.lease(agentId))?.value;
    const record = await this.parts.register.find(agentId);
    if (!lease || !isLive(record.state) || !(await this.parts.holder.isGone(lease.holder))) return record;
    const fallback = new Stop('spoke_restarted', theSpoke, 'The spoke went away while the agent was alive.');
    const asked = (await this.parts.intents.of(lease)) ?? will;
    return this.end(record, lease, asked ? new Stop(asked.exitReason, asked.actor, asked.reason) : fallback);
  }

  /** Takes a waiting agent over. Undefined when it has begun to work, is to be killed, or someone else was faster. */
  async adopt(agentId: string): Promise<AgentRecord | undefined> {
    const lease = await this.parts.register.lease(agentId);
    const entry = await this.parts.register.read(agentId);
    if (!lease || entry?.value.state !== 'spawning' || !waits.includes(entry.value.phase)) return undefined;
    if (await this.parts.intents.of(lease.value)) return undefined;
    const { holder, site } = this.parts.holder;
    const value: Lease = { ...lease.value, holder, site };
    const checks = [entry, lease].map(({ key, version }) => ({ key, version }));
    const puts = [
      { key: lease.key, value },
      { key: entry.key, value: entry.value },
    ];
    const result = await this.parts.deps.store.commit({ checks, puts });
    if (!result.ok) return undefined;
    this.parts.register.hold(entry.value, result.version);
    return entry.value;
  }

  private async end(record: AgentRecord, lease: Lease, stop: Stop): Promise<AgentRecord> {
    const { agentId } = record;
    const isHere = lease.site === this.parts.holder.site;
    if (isHere) await this.stopped(agentId);
    const outputBytes = isHere ? await this.parts.spools.size(agentId) : record.outputBytes;
    const ended = await this.parts.saga.end(agentId, endingOfStop(stop, null), lease, { outputBytes });
    if (isHere) void this.parts.saga.run(agentId);
    return ended;
  }

  /** @throws WritError when something still lives: then nothing is recorded, and the next sweep tries again. */
  private async stopped(agentId: string): Promise<void> {
    const { sandboxes, options } = this.parts.deps;
    for (const sandbox of sandboxes) {
      const left = await within(GRACE_MS + options.stepMs, 'Stopping a sandbox', sandbox.stop(agentId, GRACE_MS));
      if (left > 0) throw new Error(`${left} processes of ${agentId} still live`);
    }
  }
}
