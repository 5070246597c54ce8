// An agent whose process is gone: what still lives of it is stopped, its end recorded, its clean-up begun. An agent that
// only waited in the backlog has lost nothing and goes on here.
import type { AgentEvent } from '#protocol';
import type { Entry } from '#store';
import { within } from '../lifecycle/within.js';
import type { CleanupSaga } from '../cleanup/saga.js';
import type { AgentsDeps } from '../deps.js';
import { agentEvents } from '../agents.js';
import type { EventMint } from '../lifecycle/events.js';
import { hasSession, isLive, type AgentRecord, type Ending, type Intent, type Lease } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import type { Intents } from '../killswitch/intents.js';
import type { Spools } from '../output/spool.js';
import type { Delivery } from '../spawner/delivery.js';
import { endingOfStop } from '../spawner/endings.js';
import { toIdle } from '../sessions/turns.js';
import { Stop, theSpoke } from '../spawner/stop.js';
import type { Holder } from './holder.js';

/** Nobody waits for words of an agent whose spoke is gone. */
const GRACE_MS = 1_000;
/** In these nothing has begun yet. */
const waits: readonly AgentRecord['phase'][] = ['approval', 'queued'];

export interface RescueParts {
  readonly deps: AgentsDeps;
  readonly register: Register;
  readonly mint: EventMint;
  readonly spools: Spools;
  readonly saga: CleanupSaga;
  readonly delivery: Delivery;
  readonly holder: Holder;
  readonly intents: Intents;
}

interface Resumed {
  readonly record: AgentRecord;
  readonly events: readonly AgentEvent[];
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
    if (!lease || !isLive(record.state) || !(await this.parts.holder.isGone(lease.holder, will && 'now')))
      return record;
    const fallback = new Stop('spoke_restarted', theSpoke, 'The spoke went away while the agent was alive.');
    const asked = (await this.parts.intents.of(lease)) ?? will;
    const stop = asked && new Stop(asked.exitReason, asked.actor, asked.reason);
    return this.end(record, lease, stop ?? fallback, stop === undefined);
  }

  /** Takes over an agent that waits in the backlog, or a session whose worktree is here. Undefined for others, for what is to be killed, or when someone else was faster. */
  async adopt(agentId: string): Promise<AgentRecord | undefined> {
    const lease = await this.parts.register.lease(agentId);
    const entry = await this.parts.register.read(agentId);
    if (!lease || !entry || (await this.parts.intents.of(lease.value))) return undefined;
    const { state, phase } = entry.value;
    if (state === 'spawning' && waits.includes(phase))
      return this.take(entry, lease, { record: entry.value, events: [] });
    if (entry.value.judged) return undefined;
    const isHere = lease.value.site === this.parts.holder.site;
    if (state !== 'running' || !hasSession(entry.value) || !isHere || lease.value.ending) return undefined;
    return this.take(entry, lease, await this.resumed(entry.value));
  }

  private async take(entry: Entry<AgentRecord>, lease: Entry<Lease>, { record, events }: Resumed) {
    const { register, holder, deps } = this.parts;
    const checks = [entry, lease].map(({ key, version }) => ({ key, version }));
    const puts = [
      { key: lease.key, value: { ...lease.value, ...holder.mark } },
      { key: entry.key, value: record },
    ];
    const appends = events.map((value) => ({ stream: agentEvents(record.owner), value }));
    const result = await deps.store.commit({ checks, puts, appends });
    if (!result.ok) return undefined;
    register.hold(record, result.version);
    return record;
  }

  /** Nothing of it lives any more; the turn that was on has failed, what it said is counted, and the session goes on. */
  private async resumed(before: AgentRecord): Promise<Resumed> {
    const { mint, spools, deps } = this.parts;
    const { agentId } = before;
    await this.stopped(agentId);
    for (const sandbox of deps.sandboxes) await sandbox.remove(agentId);
    const outputBytes = Math.max(before.outputBytes, await spools.size(agentId));
    const record = { ...before, outputBytes };
    const news = { offset: before.outputBytes, bytes: outputBytes - before.outputBytes };
    const said = news.bytes > 0 ? [mint.of('agent.output', agentId, news)] : [];
    const turnId = record.turns?.current?.turnId ?? '';
    const lost = {
      state: 'failed',
      exitReason: 'spoke_restarted',
      reason: 'The spoke went away during the turn.',
    } as const;
    const settled = toIdle(record, turnId, lost, { time: mint.time() });
    if (!settled) return { record, events: said };
    const { turn } = settled.end;
    const event = mint.turn(settled.record, { turnId, turn, actor: theSpoke, end: settled.end });
    return { record: settled.record, events: [...said, event] };
  }

  private async end(record: AgentRecord, lease: Lease, stop: Stop, goesOn: boolean): Promise<AgentRecord> {
    const { agentId } = record;
    const isHere = lease.site === this.parts.holder.site;
    // What runs in an engine that both machines use is found by its label; a process of another machine never is.
    await this.stopped(agentId);
    const outputBytes = isHere ? await this.parts.spools.size(agentId) : record.outputBytes;
    const delivered = isHere && goesOn ? await this.delivered(record) : null;
    const ending = delivered ?? endingOfStop(stop, null);
    const ended = await this.parts.saga.end(agentId, ending, lease, { outputBytes });
    if (isHere) void this.parts.saga.run(agentId);
    return ended;
  }

  /** One whose run was judged before the crash had only its push before it: what got to the remote is found there. */
  private delivered(record: AgentRecord): Promise<Ending> | null {
    const { judged } = record;
    const inTime = AbortSignal.timeout(this.parts.deps.options.stepMs);
    return judged ? this.parts.delivery.deliver(record, judged, inTime) : null;
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
