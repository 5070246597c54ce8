// Spawns of the hub: on a spoke that is named, or on the least loaded of those that may.
import { agentIdOf, commandBytes, commandBytesMax, newNonce, WritError } from '#protocol';
import type { Actor, SpawnArgs, SpokeSelector } from '#protocol';
import type { Caller, SpawnCommand, Spawned } from '#api';
import type { Connection } from '#federation';
import type { HubConfig } from '../config.js';
import type { Latches } from '../latches.js';
import type { Placement } from '../spokes/placement.js';
import type { Spokes } from '../spokes/spokes.js';
import type { KnownAgents } from './known.js';
import type { Orders } from './orders.js';
import { pendingOf } from './outcome.js';

/** Spokes that a spawn without a name is offered to, when those before had no place. */
const placesMax = 3;
const noPlace: readonly string[] = ['capacity', 'latched', 'rate_limited', 'connection_inactive', 'connection_closed'];

export interface SpawningParts {
  readonly spokes: Spokes;
  readonly placement: Placement;
  readonly latches: Latches;
  readonly orders: Orders;
  readonly known: KnownAgents;
  readonly patience: HubConfig['commands'];
}

interface Wish {
  readonly actor: Actor;
  readonly args: SpawnArgs;
  readonly idk: string;
  readonly waitMs: number;
}

export class Spawning {
  constructor(private readonly hub: SpawningParts) {}

  /** @throws WritError `invalid_request`, `too_large`, `latched`, `spoke_unknown`, and what the spoke refuses with */
  async spawn({ actor }: Caller, { spoke, args, idempotencyKey, waitMs }: SpawnCommand): Promise<Spawned> {
    if (spoke === undefined)
      throw new WritError('invalid_request', 'A hub needs to know on which spoke.', { field: 'spoke' });
    const wish = { actor, args, idk: idempotencyKey ?? newNonce(), waitMs };
    if (typeof spoke === 'string') return this.on(await this.hub.spokes.usable(spoke), wish);
    return this.somewhere(spoke, wish);
  }

  /** One that has no place after all is passed over: what it refused was not begun. */
  private async somewhere(where: Exclude<SpokeSelector, string>, wish: Wish): Promise<Spawned> {
    const refused = new Set<string>();
    for (;;) {
      const connection = await this.hub.placement.choose(where, wish.args, wish.idk, refused);
      try {
        return await this.on(connection, wish);
      } catch (error) {
        refused.add(connection.id);
        if (!(error instanceof WritError) || !noPlace.includes(error.code) || refused.size >= placesMax) throw error;
      }
    }
  }

  private async on(connection: Connection, { actor, args, idk, waitMs }: Wish): Promise<Spawned> {
    const { latches, orders, known, patience } = this.hub;
    await latches.refuseSpawn(connection.peer.name);
    refuseOversize(args, idk);
    const agentId = agentIdOf(connection.id, idk);
    const unless = latches.forbidding(connection.peer.name);
    const order = { op: 'agent.spawn', args, actor, idk, agentId, ttlMs: patience.spawnMs, unless } as const;
    const command = await orders.give(connection, order, waitMs);
    if (command.state !== 'delivered') return { pending: pendingOf(command) };
    return { agent: await known.spawned(agentId, connection.id) };
  }
}

/** What can never be sent is refused before anything is written down. @throws WritError `too_large` */
function refuseOversize(args: SpawnArgs, idk: string): void {
  const bytes = commandBytes({ id: '63', op: 'agent.spawn', args, idk, gv: Number.MAX_SAFE_INTEGER });
  if (bytes <= commandBytesMax) return;
  const detail = `With its work items the command has ${bytes} bytes; a signed one has at most ${commandBytesMax}.`;
  throw new WritError('too_large', detail, { field: 'context.workItems' });
}
