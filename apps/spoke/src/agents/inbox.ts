// The signed inbox: what a verified, granted command means to the agents of this machine. A peer reaches only what it spawned.
import {
  agentIdOf,
  defaultRuntime,
  permits,
  WritError,
  type Actor,
  type KillReport,
  type OperationArgs,
  type OperationBody,
  type OperationName,
  type SandboxLevel,
  type Limits,
} from '#protocol';
import type { Agents } from '#agents';
import type { Acts } from '#api';
import type { Journal } from '#federation';
import { denied } from '../grants/denied.js';
import { namingPush, permitOf } from './push.js';
import { artifactOf } from './artifacts.js';
import { outputThatFits, pageThatFits } from './fits.js';
import type { GrantsService, HeldGrant } from '../grants/grants.service.js';

/** Who sent a command, over which connection, under which idempotency key. */
export interface Sender {
  readonly connectionId: string;
  readonly peerId: string;
  readonly idk?: string;
}

const actorOf = ({ peerId }: Sender): Actor => ({ kind: 'peer', id: peerId });

export class Inbox {
  constructor(
    private readonly agents: Agents,
    private readonly grants: GrantsService,
    private readonly journal: Pick<Journal, 'full'>,
    private readonly about: () => Omit<OperationBody<'instance.info'>, 'free'>,
    private readonly acts: Pick<Acts, 'record'>,
  ) {}

  /** What runs is what was signed, narrowed by the grant in force at this moment. */
  async spawn(asked: OperationArgs<'agent.spawn'>, sender: Sender): Promise<OperationBody<'agent.spawn'>> {
    const { connectionId: owner, idk } = sender;
    if (idk === undefined)
      throw new WritError('invalid_request', 'A spawn needs an idempotency key.', { field: 'idk' });
    if (await this.journal.full(owner))
      throw new WritError('capacity', 'The journal of this connection is full: the hub has to take its events first.');
    const named = { agentId: agentIdOf(owner, idk), idk };
    const args = namingPush(explicit(asked), named.agentId);
    const held = await this.grants.get(owner);
    const ceiling = ceilingOf(held, args);
    const { agentId, state, spawnedAt } = await this.agents.spawn({
      owner,
      actor: actorOf(sender),
      args,
      ceiling,
      ...permitOf(args, held.grant.push),
      ...named,
    });
    return { agentId, state, spawnedAt };
  }

  /** The turn has its name before it is begun: of the connection and the key. */
  async send({ agentId, input }: OperationArgs<'agent.send'>, sender: Sender): Promise<OperationBody<'agent.send'>> {
    const { connectionId: owner, idk } = sender;
    if (idk === undefined) throw new WritError('invalid_request', 'A turn needs an idempotency key.', { field: 'idk' });
    if (await this.journal.full(owner))
      throw new WritError('capacity', 'The journal of this connection is full: the hub has to take its events first.');
    await this.again('agent.send', { agentId, input }, owner);
    const turnId = agentIdOf(owner, idk);
    return this.agents.send({ agentId, owner, actor: actorOf(sender), turnId, idk, input });
  }

  async checkpoints(
    { agentId }: OperationArgs<'agent.checkpoints'>,
    { connectionId }: Sender,
  ): Promise<OperationBody<'agent.checkpoints'>> {
    return { checkpoints: [...(await this.agents.checkpoints(agentId, connectionId))] };
  }

  /** Its step has its name before it is begun, as a turn has. */
  async restore(
    { agentId, to, reason }: OperationArgs<'agent.restore'>,
    sender: Sender,
  ): Promise<OperationBody<'agent.restore'>> {
    const { connectionId: owner, idk } = sender;
    if (idk === undefined)
      throw new WritError('invalid_request', 'A restore needs an idempotency key.', { field: 'idk' });
    const actor = actorOf(sender);
    await this.agents.get(agentId, owner);
    await this.again('agent.restore', { agentId, to, reason }, owner);
    await this.acts.record({ act: 'agent.restore', subject: agentId, actor, detail: { to, reason } });
    return this.agents.restore({ agentId, owner, actor, turnId: agentIdOf(owner, idk), idk, to, reason });
  }

  async close(
    { agentId, force, reason }: OperationArgs<'agent.close'>,
    sender: Sender,
  ): Promise<OperationBody<'agent.close'>> {
    const owner = sender.connectionId;
    const actor = actorOf(sender);
    await this.agents.get(agentId, owner);
    await this.again('agent.close', { agentId, force, reason }, owner);
    if (force) await this.acts.record({ act: 'agent.close', subject: agentId, actor, detail: { reason, force } });
    const { state } = await this.agents.closeSession({ agentId, owner, actor, reason, force });
    return { agentId, state };
  }

  status({ agentId }: OperationArgs<'agent.status'>, { connectionId }: Sender): Promise<OperationBody<'agent.status'>> {
    return this.agents.get(agentId, connectionId);
  }

  async list(
    { states, after, limit }: OperationArgs<'agent.list'>,
    { connectionId }: Sender,
  ): Promise<OperationBody<'agent.list'>> {
    const { agents, next } = await this.agents.list({
      owner: connectionId,
      limit,
      ...(states ? { states } : {}),
      ...(after ? { after } : {}),
    });
    return pageThatFits(agents, next);
  }

  async output(
    { agentId, offset, bytesMax }: OperationArgs<'agent.output'>,
    { connectionId }: Sender,
  ): Promise<OperationBody<'agent.output'>> {
    return outputThatFits(await this.agents.output(agentId, offset, bytesMax, connectionId));
  }

  artifact(asked: OperationArgs<'agent.artifact'>, { connectionId }: Sender): Promise<OperationBody<'agent.artifact'>> {
    return artifactOf(this.agents, connectionId, asked);
  }

  kill({ agentId, reason }: OperationArgs<'agent.kill'>, sender: Sender): Promise<KillReport> {
    return this.agents.kill(agentId, actorOf(sender), reason, sender.connectionId);
  }

  killAll({ reason }: OperationArgs<'agents.kill'>, sender: Sender): Promise<KillReport> {
    return this.agents.killAll(sender.connectionId, actorOf(sender), reason);
  }

  async resume({ reason }: OperationArgs<'agents.resume'>, sender: Sender): Promise<OperationBody<'agents.resume'>> {
    return { latched: await this.agents.reset(sender.connectionId, actorOf(sender), reason) };
  }

  /** The guard has looked already; this look is right before the act. @throws WritError `grant_denied`, `not_found` */
  private async again<O extends OperationName>(op: O, args: OperationArgs<O>, connectionId: string): Promise<void> {
    const { grant } = await this.grants.get(connectionId);
    const verdict = permits(grant, op, args);
    if (!verdict.ok) throw denied(verdict);
  }

  async info(_args: OperationArgs<'instance.info'>, { connectionId }: Sender): Promise<OperationBody<'instance.info'>> {
    const { grant } = await this.grants.get(connectionId);
    const [own, free] = await Promise.all([this.agents.live(connectionId), this.agents.free(connectionId)]);
    return { ...this.about(), free: Math.max(0, Math.min(free, grant.concurrentMax - own)) };
  }
}

/** A peer that names no runtime means the default of the protocol, whatever this spoke's own people would get. */
function explicit(args: OperationArgs<'agent.spawn'>): OperationArgs<'agent.spawn'> {
  return { ...args, options: { ...args.options, runtime: args.options.runtime ?? defaultRuntime } };
}

interface Ceiling {
  readonly limits: Limits;
  readonly sandbox: SandboxLevel;
  readonly concurrentMax: number;
  readonly approvalMs?: number;
}

/** The guard has looked already; this second look is at the same moment as the act. @throws WritError `grant_denied` */
function ceilingOf({ grant }: HeldGrant, args: OperationArgs<'agent.spawn'>): Ceiling {
  const verdict = permits(grant, 'agent.spawn', args);
  if (!verdict.ok) throw denied(verdict);
  const { limits, sandbox, concurrentMax, approval } = grant;
  const asked = typeof approval === 'object' ? { approvalMs: approval.withinS * 1_000 } : {};
  return { limits, sandbox, concurrentMax, ...asked };
}
