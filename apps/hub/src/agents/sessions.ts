// Sessions of agents on spokes: another turn, back to an earlier one, the end of all.
import { restored, turnTaken } from '#protocol';
import type { CheckpointResource } from '#protocol';
import type { Acts, Caller, CloseCommand, RestoreCommand, SendCommand, Sent, Spawned, WentBack } from '#api';
import type { HubConfig } from '../config.js';
import type { Queries } from '../spokes/queries.js';
import type { Spokes } from '../spokes/spokes.js';
import type { KnownAgents } from './known.js';
import type { Given, Orders } from './orders.js';
import { pendingOf } from './outcome.js';

export interface SessionsParts {
  readonly spokes: Spokes;
  readonly orders: Orders;
  readonly known: KnownAgents;
  readonly queries: Queries;
  readonly acts: Acts;
  readonly patience: HubConfig['commands'];
}

export class Sessions {
  constructor(private readonly hub: SessionsParts) {}

  async send({ actor }: Caller, { agentId, input, idempotencyKey: idk, waitMs }: SendCommand): Promise<Sent> {
    const command = await this.order(agentId, { op: 'agent.send', args: { agentId, input }, actor, idk }, waitMs);
    return command.state === 'delivered' ? { turn: turnTaken.parse(command.body) } : { pending: pendingOf(command) };
  }

  async checkpoints(agentId: string): Promise<readonly CheckpointResource[]> {
    const { owner } = await this.hub.known.find(agentId);
    return (await this.hub.queries.ask(owner, 'agent.checkpoints', { agentId })).checkpoints;
  }

  async restore({ actor }: Caller, command: RestoreCommand): Promise<WentBack> {
    const { agentId, turn: to, reason, idempotencyKey: idk, waitMs } = command;
    const meant = () => this.hub.acts.record({ act: 'agent.restore', subject: agentId, actor, detail: { to, reason } });
    const order = { op: 'agent.restore', args: { agentId, to, reason }, actor, idk } as const;
    const sent = await this.order(agentId, order, waitMs, meant);
    return sent.state === 'delivered' ? { restored: restored.parse(sent.body) } : { pending: pendingOf(sent) };
  }

  async close({ actor }: Caller, { agentId, force, reason, waitMs }: CloseCommand): Promise<Spawned> {
    const forced = () =>
      this.hub.acts.record({ act: 'agent.close', subject: agentId, actor, detail: { reason, force } });
    const order = { op: 'agent.close', args: { agentId, force, reason }, actor } as const;
    const command = await this.order(agentId, order, waitMs, force ? forced : undefined);
    if (command.state !== 'delivered') return { pending: pendingOf(command) };
    return { agent: await this.hub.known.ended(agentId) };
  }

  /** `meant` writes down who wants it, once it is known that there is a spoke to want it of. */
  private async order(
    agentId: string,
    order: Omit<Given, 'agentId' | 'ttlMs'>,
    waitMs: number,
    meant: () => Promise<unknown> = () => Promise.resolve(),
  ) {
    const connection = await this.hub.spokes.byConnection(await this.hub.known.ownerOf(agentId));
    await meant();
    return this.hub.orders.give(connection, { ...order, agentId, ttlMs: this.hub.patience.spawnMs }, waitMs);
  }
}
