// Stops one agent, those of one owner, or all. Waits in no queue: a local run is stopped through its signal as soon as the
// intent is committed, or after a moment if the store hangs. Answers only after a look found nothing alive, or with what
// is left. [K-4] [K-8] [L-2] [L-7]
import { setTimeout as pause } from 'node:timers/promises';
import { WritError, type Actor, type KillReport } from '#protocol';
import { inWidth } from '../lifecycle/within.js';
import type { AgentsDeps, AgentsObserver } from '../deps.js';
import type { Listing } from '../lifecycle/listing.js';
import { isLive, type AgentRecord, type Intent } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import type { Rescue } from '../recovery/rescue.js';
import type { Run } from '../spawner/run.js';
import type { Runs } from '../spawner/runs.js';
import { Stop } from '../spawner/stop.js';
import type { Intents } from './intents.js';
import { everybody, type Latches } from './latches.js';
import type { Order, Orders } from './orders.js';
import { emptyReport, joined } from './report.js';
import type { Tombstones } from './tombstones.js';

/** How often an agent that runs in another process is looked at. */
const LOOK_MS = 50;

type KillKind = Parameters<AgentsObserver['killed']>[0];

export interface KillswitchParts {
  readonly deps: AgentsDeps;
  readonly register: Register;
  readonly listing: Listing;
  readonly runs: Runs;
  readonly latches: Latches;
  readonly tombstones: Tombstones;
  readonly orders: Orders;
  readonly intents: Intents;
  readonly rescue: Rescue;
}

export class Killswitch {
  /** Kills that are under way: whoever asks again gets the same report. */
  private readonly underWay = new Map<string, Promise<KillReport>>();

  constructor(private readonly parts: KillswitchParts) {}

  kill(agentId: string, actor: Actor, reason: string, owner?: string): Promise<KillReport> {
    const will: Intent = { exitReason: 'killed', actor, reason };
    return this.once('agent', `${owner ?? ''} ${agentId}`, () => this.killKnown(agentId, will, owner));
  }

  /** The latch first, durable; then passes over what lives until one finds nothing. [K-3] */
  killAll(scope: string, actor: Actor, reason: string): Promise<KillReport> {
    const order: Order = { scope, exitReason: 'killed', actor, reason };
    return this.once('all', scope, async () => {
      const { latches, orders, deps } = this.parts;
      const latch = { scope, actor, reason, setAt: new Date(deps.now()).toISOString() };
      let stopped: readonly Run[];
      try {
        await latches.set(latch, orders.append(order));
      } finally {
        stopped = orders.obey(order);
      }
      return this.passes(order, scope, stopped);
    });
  }

  /** Like a kill of all of them, but without a latch, and recorded as what it is. */
  ownerLost(owner: string, reason: string): Promise<KillReport> {
    const actor: Actor = { kind: 'system', id: 'spoke' };
    const order: Order = { scope: owner, exitReason: 'connection_lost', actor, reason };
    return this.once('lost', owner, async () => {
      const stopped = this.parts.orders.obey(order);
      await this.parts.orders.give(order);
      return this.passes(order, owner, stopped);
    });
  }

  private once(kind: KillKind, which: string, work: () => Promise<KillReport>): Promise<KillReport> {
    const name = `${kind} ${which}`;
    const running = this.underWay.get(name) ?? this.timed(kind, work).finally(() => this.underWay.delete(name));
    this.underWay.set(name, running);
    return running;
  }

  private async timed(kind: KillKind, work: () => Promise<KillReport>): Promise<KillReport> {
    const since = performance.now();
    const report = await work();
    this.parts.deps.observer.killed(kind, (performance.now() - since) / 1_000);
    return report;
  }

  /** Agents of others are `not_found`, and so is an unknown one unless an owner says that its spawn may still come. */
  private async killKnown(agentId: string, will: Intent, owner?: string): Promise<KillReport> {
    const { runs, register, tombstones } = this.parts;
    for (;;) {
      const run = runs.get(agentId);
      if (run && (owner === undefined || run.owner === owner)) return this.killRun(run, will);
      const entry = await register.read(agentId);
      if (entry || owner === undefined) return this.killRecord(await register.find(agentId, owner), will);
      if (await tombstones.leave(owner, agentId, will.actor, will.reason)) return { ...emptyReport, killed: [agentId] };
    }
  }

  private async killRun(run: Run, will: Intent): Promise<KillReport> {
    if (run.hasEnded) return { ...emptyReport, alreadyEnded: [run.agentId] };
    await this.parts.intents.commit(run.agentId, will);
    run.stop(new Stop(will.exitReason, will.actor, will.reason));
    return this.endOf(run, will);
  }

  /** What becomes of a run that was stopped; with what it left when it takes too long. */
  private async endOf(run: Run, will: Intent): Promise<KillReport> {
    const { graceMs, killMs } = this.parts.deps.options;
    const late = new AbortController();
    const patience = pause(graceMs + killMs, 'late' as const, { signal: late.signal, ref: false });
    patience.catch(() => undefined);
    try {
      const end = await Promise.race([run.ended, run.nextSurvivors(), patience]);
      if (typeof end === 'object') return reportOf(end, will);
      const left = end === 'late' ? await this.look(run.agentId) : end;
      return failure(run.agentId, left);
    } finally {
      late.abort();
    }
  }

  /** Of an agent that this process does not run: it has ended, or runs elsewhere, or nobody runs it any more. */
  private async killRecord(record: AgentRecord, will: Intent): Promise<KillReport> {
    const { agentId } = record;
    const { graceMs, killMs } = this.parts.deps.options;
    if (!isLive(record.state)) return { ...emptyReport, alreadyEnded: [agentId] };
    await this.parts.intents.commit(agentId, will);
    await this.parts.orders.give({ agentId, ...will });
    const deadline = performance.now() + graceMs + killMs;
    for (;;) {
      const run = this.parts.runs.get(agentId);
      if (run) return this.killRun(run, will);
      const now = await this.rescued(record, will);
      if (!isLive(now.state)) return reportOf(now, will);
      if (performance.now() > deadline) return failure(agentId, await this.look(agentId));
      await pause(LOOK_MS, undefined, { ref: false });
    }
  }

  private async rescued(record: AgentRecord, will: Intent): Promise<AgentRecord> {
    try {
      return await this.parts.rescue.ifAbandoned(record.agentId, will);
    } catch (cause) {
      this.parts.deps.log.error({ cause, agentId: record.agentId }, 'an abandoned agent could not be ended yet');
      return record;
    }
  }

  /** First what was stopped here, then whatever lives in the store, until nothing new is found. */
  private async passes(order: Order, scope: string, stopped: readonly Run[]): Promise<KillReport> {
    const owner = scope === everybody ? undefined : scope;
    const ends = stopped.map(async (run) => [run.agentId, await this.endOf(run, order)] as const);
    const reports = new Map<string, KillReport>(await Promise.all(ends));
    for (;;) {
      const found = (await this.parts.listing.liveLeases(owner)).filter(({ agentId }) => !reports.has(agentId));
      if (found.length === 0) return joined(reports.values());
      await inWidth(found, this.parts.deps.options.killWidthMax, async ({ agentId }) => {
        reports.set(agentId, await this.killOne(agentId, order));
      });
    }
  }

  private async killOne(agentId: string, will: Intent): Promise<KillReport> {
    try {
      return await this.killKnown(agentId, will);
    } catch (cause) {
      this.parts.deps.log.error({ cause, agentId }, 'a kill failed');
      const reason = cause instanceof WritError ? cause.detail : 'It failed; the log has the cause.';
      return { ...emptyReport, failed: [{ agentId, reason }] };
    }
  }

  private async look(agentId: string): Promise<number> {
    const looks = this.parts.deps.sandboxes.map((sandbox) => sandbox.survivors(agentId).catch(() => 1));
    return (await Promise.all(looks)).reduce((sum, count) => sum + count, 0);
  }
}

/** An agent that ended by itself while the kill was on its way was not killed. */
function reportOf(record: AgentRecord, will: Intent): KillReport {
  const { agentId, state, exitReason } = record;
  const isOurs = state === 'killed' || exitReason === will.exitReason;
  return { ...emptyReport, [isOurs ? 'killed' : 'alreadyEnded']: [agentId] };
}

function failure(agentId: string, survivors: number): KillReport {
  const stopped = 'It is stopped, but its end is not recorded yet; ask for its status.';
  const reason = survivors > 0 ? `${survivors} processes still live; they are tried again.` : stopped;
  return { ...emptyReport, failed: [{ agentId, reason }], survivors };
}
