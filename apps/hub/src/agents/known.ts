// What the hub knows of one agent: from the journals, where those are a moment behind from a command or from the spoke itself.
import { isTerminal, spawnArgs, WritError, type AgentResource } from '#protocol';
import type { OrderedSpawn } from '#api';
import type { CommandRecord } from '../commands/command.js';
import type { CommandsService } from '../commands/commands.service.js';
import type { Fleet } from '../fleet/fleet.js';
import type { Queries } from '../spokes/queries.js';
import type { Listing } from './listing.js';

/** How long a fresh event may be behind the signed answer before the spoke is asked, in milliseconds. */
const journalLagMs = 2_000;
/** So many commands are looked through for spawns that no spoke has told of. */
const commandsMax = 1_000;

export interface KnownParts {
  readonly fleet: Fleet;
  readonly commands: CommandsService;
  readonly queries: Queries;
  readonly listing: Listing;
}

export class KnownAgents {
  constructor(private readonly hub: KnownParts) {}

  /** @throws WritError `not_found` */
  async find(agentId: string): Promise<AgentResource> {
    const agent = (await this.hub.fleet.find(agentId)) ?? (await this.begun(agentId));
    if (!agent) throw new WritError('not_found', `No spoke has told of an agent ${agentId}.`);
    return agent;
  }

  /** Whoever knows that the spawn was delivered finds the agent, also while its journal is a moment behind. */
  private async begun(agentId: string): Promise<AgentResource | undefined> {
    const command = await this.hub.commands.spawnOf(agentId);
    if (command?.state !== 'delivered') return undefined;
    return this.told(agentId, command.connectionId).catch(() => undefined);
  }

  /** As people see it: with how old the word of its spoke is. @throws WritError `not_found` */
  async shown(agentId: string): Promise<AgentResource> {
    return this.hub.listing.marked(await this.find(agentId));
  }

  /** The spawn of an agent of which no spoke has told yet. */
  async ordered(agentId: string): Promise<OrderedSpawn | undefined> {
    const { fleet, commands } = this.hub;
    const command = fleet.get(agentId) ? null : await commands.spawnOf(agentId);
    return command === null ? undefined : this.unheard(command);
  }

  /** All such among the newest commands. An agent that was ordered again stands there once, as it was last. */
  async orders(): Promise<readonly OrderedSpawn[]> {
    const spawns = (await this.hub.commands.list(commandsMax)).filter(({ op }) => op === 'agent.spawn');
    const last = new Map(spawns.reverse().map((command) => [command.agentId, command]));
    const found = await Promise.all([...last.values()].reverse().map((command) => this.unheard(command)));
    return found.filter((one) => one !== undefined);
  }

  private async unheard(command: CommandRecord): Promise<OrderedSpawn | undefined> {
    const { agentId, commandId, spoke, state, problem, createdAtMs, settledAtMs } = command;
    if (agentId === undefined || (await this.hub.fleet.find(agentId))) return undefined;
    const settled = settledAtMs === undefined ? {} : { settledAt: new Date(settledAtMs).toISOString() };
    const orderedAt = new Date(createdAtMs).toISOString();
    const args = spawnArgs.parse(command.args);
    return { commandId, agentId, spoke, args, state, problem, orderedAt, ...settled };
  }

  /** The connection of its spoke. A spawn that is still on its way has no journal yet: its command says where it goes. */
  async ownerOf(agentId: string): Promise<string> {
    const { fleet, commands } = this.hub;
    return fleet.get(agentId)?.owner ?? (await commands.destination(agentId)) ?? (await this.find(agentId)).owner;
  }

  /** That its spoke said it has begun; when the journal stays behind, the spoke is asked. */
  async spawned(agentId: string, connectionId: string): Promise<AgentResource> {
    return this.hub.listing.marked(await this.told(agentId, connectionId));
  }

  private async told(agentId: string, connectionId: string): Promise<AgentResource> {
    const { fleet, queries } = this.hub;
    if (!fleet.get(agentId)) await fleet.changed(agentId, journalLagMs);
    return fleet.get(agentId) ?? queries.ask(connectionId, 'agent.status', { agentId });
  }

  /** That its spoke said it has ended. */
  async ended(agentId: string): Promise<AgentResource> {
    const { fleet, queries, listing } = this.hub;
    const { state, owner } = await this.find(agentId);
    if (!isTerminal(state)) await fleet.changed(agentId, journalLagMs);
    const asked = queries.ask(owner, 'agent.status', { agentId });
    return asked.then(
      (agent) => listing.marked(agent),
      () => this.shown(agentId),
    );
  }
}
