// The hub's kills: one agent, a selection, all of a scope. Each is a command of its own, and answered by those who carried it out.
import { isTerminal, spawnArgs, WritError, type Actor, type AgentResource } from '#protocol';
import type { Acts, Caller, KillOutcome, KillScope, KillSelection, LatchResource, Selection } from '#api';
import type { Connection } from '#federation';
import type { CommandRecord } from '../commands/command.js';
import type { CommandsService } from '../commands/commands.service.js';
import type { HubConfig } from '../config.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Owners } from '../fleet/order.js';
import type { Latches } from '../latches.js';
import type { Spokes } from '../spokes/spokes.js';
import type { Given, Orders } from './orders.js';
import { allRefused, killOutcomeOf } from './outcome.js';

/** How long a reset waits for the spokes' word, in milliseconds. */
const resumeMs = 5_000;
/** How long at most a kill waits for a spoke that is away, in milliseconds: the answers of the others are wanted now. */
const awayMs = 5_000;
/** Agents that one selection kills at once; with more it has to be narrower, or `all`. */
const selectedMax = 1_000;

export interface KillsParts {
  readonly spokes: Spokes;
  readonly fleet: Fleet;
  readonly commands: CommandsService;
  readonly orders: Orders;
  readonly isConnected: (connectionId: string) => boolean;
  readonly latches: Latches;
  readonly acts: Acts;
  readonly patience: HubConfig['commands'];
}

type Target = Pick<AgentResource, 'agentId' | 'owner'>;

export class Kills {
  constructor(private readonly hub: KillsParts) {}

  async one({ actor }: Caller, { agentId, owner }: Target, reason: string, waitMs: number): Promise<KillOutcome> {
    const connection = await this.hub.spokes.byConnection(owner);
    const command = await this.hub.orders.give(
      connection,
      this.kill(agentId, actor, reason),
      this.patience(connection, waitMs),
    );
    return killOutcomeOf([command], this.liveOn);
  }

  /** What is on its way there counts as living: it would begin later. @throws WritError `too_large`, `spoke_unknown` */
  async selected({ actor }: Caller, kill: KillSelection, waitMs: number): Promise<KillOutcome> {
    const { select, reason, dryRun } = kill;
    const targets = await this.targets(select);
    if (targets.length > selectedMax)
      throw new WritError('too_large', `${targets.length} agents fit; one selection kills ${selectedMax} at most.`, {
        field: 'select',
      });
    if (dryRun) return wouldKill(targets);
    const detail = { select, reason, agents: targets.length };
    await this.hub.acts.record({
      act: 'kill.selected',
      subject: select.taskId ?? select.spoke ?? 'fleet',
      actor,
      detail,
    });
    const killed = targets.map(async ({ agentId, owner }) => {
      const connection = await this.hub.spokes.byConnection(owner);
      return this.send(connection, this.kill(agentId, actor, reason), waitMs);
    });
    return killOutcomeOf(await Promise.all(killed), this.liveOn);
  }

  async all({ actor }: Caller, { scope, reason }: KillScope, waitMs: number): Promise<KillOutcome> {
    const { connections, name } = await this.hub.spokes.inScope(scope);
    await this.hub.latches.set({ scope: name, reason, actor });
    const stopped = connections.map((connection) => this.stop(connection, actor, reason, waitMs));
    return killOutcomeOf((await Promise.all(stopped)).flat(), this.liveOn);
  }

  async reset({ actor }: Caller, { scope, reason }: KillScope): Promise<readonly LatchResource[]> {
    const { connections, name } = await this.hub.spokes.inScope(scope);
    const order = { op: 'agents.resume', args: { reason }, actor, ttlMs: this.hub.patience.spawnMs } as const;
    const commands = await Promise.all(connections.map((one) => this.hub.orders.send(one, order, resumeMs)));
    await this.hub.latches.clear({ scope: name, reason, actor });
    allRefused(commands);
    return this.hub.latches.list();
  }

  /** All that lives there, and every spawn on its way: a spoke that is away shall not begin it later. [K-3] */
  private async stop(connection: Connection, actor: Actor, reason: string, waitMs: number): Promise<CommandRecord[]> {
    const spawning = await this.hub.commands.underWay('agent.spawn', connection.id);
    const orders: Given[] = [
      { actor, ttlMs: this.hub.patience.killMs, op: 'agents.kill', args: { reason } },
      ...spawning.flatMap(({ agentId }) => (agentId === undefined ? [] : [this.kill(agentId, actor, reason)])),
    ];
    return Promise.all(orders.map((order) => this.send(connection, order, waitMs)));
  }

  private send(connection: Connection, order: Given, waitMs: number): Promise<CommandRecord> {
    return this.hub.orders.send(connection, order, this.patience(connection, waitMs));
  }

  private patience({ id }: Connection, waitMs: number): number {
    return this.hub.isConnected(id) ? waitMs : Math.min(waitMs, awayMs);
  }

  private async targets(select: Selection): Promise<Target[]> {
    const owners = await this.hub.spokes.owners(select);
    const living = this.hub.fleet.living(select, owners).map(({ agentId, owner }) => ({ agentId, owner }));
    const known = new Set(living.map(({ agentId }) => agentId));
    const coming = await this.coming(select, owners);
    return [...living, ...coming.filter(({ agentId }) => !known.has(agentId))];
  }

  private async coming(select: Selection, owners: Owners): Promise<Target[]> {
    if (!select.states.includes('spawning')) return [];
    const connections = this.hub.spokes.all().filter(({ id }) => owners?.has(id) ?? true);
    const spawns = await Promise.all(connections.map(({ id }) => this.hub.commands.underWay('agent.spawn', id)));
    return spawns.flat().flatMap(({ agentId, connectionId, args }) => {
      const { taskId, agentType } = spawnArgs.parse(args);
      const isMeant = (select.taskId ?? taskId) === taskId && (select.agentType ?? agentType) === agentType;
      return isMeant && agentId !== undefined ? [{ agentId, owner: connectionId }] : [];
    });
  }

  private kill(agentId: string, actor: Actor, reason: string): Given {
    return { op: 'agent.kill', args: { agentId, reason }, actor, agentId, ttlMs: this.hub.patience.killMs };
  }

  private readonly liveOn = (connectionId: string): readonly string[] => {
    const agents = [...this.hub.fleet.of(connectionId)];
    return agents.filter(({ state }) => !isTerminal(state)).map(({ agentId }) => agentId);
  };
}

function wouldKill(targets: readonly Target[]): KillOutcome {
  const killed = targets.map(({ agentId }) => agentId);
  return { report: { killed, alreadyEnded: [], failed: [], survivors: 0 }, pending: [] };
}
