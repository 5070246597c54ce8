// The one door for new agents: validated, admitted, committed as `spawning` with its event, and back at once. The way of
// an accepted spawn is one commit without a single read; only what is refused or repeated looks closer. [S-1] [S-2] [S-8]
import { isDeepStrictEqual } from 'node:util';
import { noUsage, WritError, type AgentEvent, type AgentResource } from '#protocol';
import { agentEvents, type SpawnRequest } from '../agents.js';
import type { AgentsDeps } from '../deps.js';
import type { Latches } from '../killswitch/latches.js';
import type { Tombstones } from '../killswitch/tombstones.js';
import type { EventMint } from '../lifecycle/events.js';
import type { Change, Ledger } from '../lifecycle/ledger.js';
import {
  argsOf,
  leaseKey,
  recordKey,
  resourceOf,
  timeIndex,
  timeOrder,
  type AgentRecord,
  type Lease,
} from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import { spawnQuestion } from '../questions/question.js';
import type { Drain } from './drain.js';
import type { Allowance } from '../spending/options.js';
import { fitting, refuseEgress, refuseSession, validated, type Fitting, type ValidRequest } from './plan.js';

const TRIES_MAX = 5;

export interface SpawnerParts {
  readonly deps: AgentsDeps;
  readonly register: Register;
  readonly ledger: Ledger;
  readonly mint: EventMint;
  readonly latches: Latches;
  readonly tombstones: Tombstones;
  readonly drain: Drain;
  readonly claim: Pick<Lease, 'holder' | 'site'>;
  /** Starts the run of an accepted agent. */
  readonly start: (record: AgentRecord) => void;
}

export class Spawner {
  private isClosed = false;

  constructor(private readonly parts: SpawnerParts) {}

  /** @throws WritError as `Agents.spawn`. */
  async spawn(wish: SpawnRequest): Promise<AgentResource> {
    const request = validated(wish);
    if (this.isClosed)
      throw new WritError('peer_unavailable', 'The spoke is shutting down and has not taken it on.', {
        retryAfterMs: 5_000,
      });
    const fit = await this.admitted(request);
    if ('taskId' in fit) return fit;
    const record = this.draft(request, fit);
    const allowance = await this.parts.deps.allowance(request.owner);
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const posted = await this.parts.ledger.post(this.change(request, record, allowance));
      if (posted.kind === 'done') return this.accepted(record, posted.version);
      const standing = await this.standing(request);
      if (standing) return standing;
      if (posted.kind === 'full') throw posted.refusal;
    }
    throw new WritError('store_unavailable', 'The spawn met others again and again; send it once more.');
  }

  /** Spawns from now on are refused. */
  close(): void {
    this.isClosed = true;
  }

  /** Sandbox and limits; or, when it cannot be admitted but was spawned before, the agent that is there. */
  private async admitted(request: ValidRequest): Promise<Fitting | AgentResource> {
    const { deps } = this.parts;
    try {
      const { runtime } = await deps.resolver.resolve(request.args);
      refuseSession(request.args, runtime);
      refuseEgress(request.args, deps.options.egress);
      return await fitting(request, deps.options, deps.sandboxes);
    } catch (error) {
      const standing = await this.standing(request);
      if (standing) return standing;
      throw error;
    }
  }

  /** What stands against a new agent: a latch, the agent itself, or the kill that came before. @throws WritError */
  private async standing(request: ValidRequest): Promise<AgentResource | undefined> {
    const { owner, agentId, args } = request;
    await this.parts.latches.refuse(owner);
    const entry = await this.parts.register.read(agentId);
    if (!entry) await this.parts.tombstones.refuse(owner, agentId);
    if (!entry) await this.parts.drain.refuse();
    if (!entry) return undefined;
    const isSame = entry.value.owner === owner && isDeepStrictEqual(plain(argsOf(entry.value)), plain(args));
    if (!isSame) throw new WritError('idk_conflict', 'An agent with this id was spawned with other arguments.');
    return resourceOf(entry.value);
  }

  private draft(request: ValidRequest, { level, limits }: Fitting): AgentRecord {
    const { agentId, owner, actor, idk, args, push } = request;
    const { deps, mint } = this.parts;
    const ends = new Date(deps.now() + deps.options.sessionTtlMs).toISOString();
    const record: AgentRecord = {
      agentId,
      owner,
      ...args,
      ...(idk === undefined ? {} : { idk }),
      ...(push && args.options.push ? { mayPush: push } : {}),
      limits,
      sandbox: { level, enforced: [] },
      state: 'spawning',
      phase: 'queued',
      spawnedAt: mint.time(),
      ...(args.options.session === undefined ? {} : { sessionEndsAt: ends }),
      spawnedBy: actor,
      actor,
      usage: noUsage,
      outputBytes: 0,
      outputDropped: 0,
    };
    const { approvalMs } = request.ceiling ?? {};
    if (approvalMs === undefined) return record;
    return { ...record, phase: 'approval', question: spawnQuestion(record, approvalMs, this.parts.deps.now()) };
  }

  private change(request: ValidRequest, record: AgentRecord, allowance: Allowance = {}): Change {
    const { deps, latches, tombstones, drain, claim } = this.parts;
    const { agentId, owner } = record;
    const lease: Lease = { agentId, owner, ...claim };
    const order = timeOrder(record);
    return {
      agentId,
      owner,
      repository: record.context.repository,
      by: 1,
      checks: [
        { key: recordKey(agentId), version: null },
        tombstones.check(owner, agentId),
        ...latches.checks(owner),
        drain.check,
      ],
      max: {
        spoke: deps.options.agentsMax,
        owner: request.ceiling?.concurrentMax ?? deps.options.agentsMax,
        budget: deps.budget,
        allowance,
      },
      puts: [
        { key: recordKey(agentId), value: record },
        { key: leaseKey(agentId), value: lease },
        { key: [...timeIndex(), order], value: agentId },
        { key: [...timeIndex(owner), order], value: agentId },
      ],
      appends: this.events(record).map((value) => ({ stream: agentEvents(owner), value })),
    };
  }

  private events(record: AgentRecord): AgentEvent[] {
    const { mint } = this.parts;
    const { agentId, question } = record;
    const spawned = mint.spawned(record);
    return question ? [spawned, mint.of('agent.question', agentId, { question })] : [spawned];
  }

  private accepted(record: AgentRecord, version: string): AgentResource {
    this.parts.register.hold(record, version);
    this.parts.start(record);
    return resourceOf(record);
  }
}

/** As JSON has it: a record from the store has no undefined members. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
