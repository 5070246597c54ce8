// The agents of all spokes as the hub knows them, the commands that change them, and what holds new ones back.
import { join } from 'node:path';
import type { AgentResource } from '#protocol';
import { Kills } from '../agents/kills.js';
import { KnownAgents } from '../agents/known.js';
import { Listing } from '../agents/listing.js';
import { Orders } from '../agents/orders.js';
import { Bundles } from '../artifacts/bundles.js';
import { askPiece } from '../artifacts/questions.js';
import { BundleShelf } from '../artifacts/shelf.js';
import { CommandsService } from '../commands/commands.service.js';
import { Outbox } from '../commands/outbox.js';
import { SpokeCarrier } from '../commands/spoke.carrier.js';
import { Fleet } from '../fleet/fleet.js';
import { Settlement } from '../fleet/settlement.js';
import { Latches } from '../latches.js';
import { Placement } from '../spokes/placement.js';
import type { StatedGrant } from '../spokes/spokes.service.js';
import type { Ground } from './ground.js';
import type { Partners } from './partners.js';

export interface FleetOfHub {
  readonly commands: CommandsService;
  readonly fleet: Fleet;
  readonly latches: Latches;
  readonly placement: Placement;
  readonly listing: Listing;
  readonly orders: Orders;
  readonly known: KnownAgents;
  readonly kills: Kills;
  readonly bundles: Bundles;
  readonly stated: StatedGrant;
}

export async function openFleet(ground: Ground, partners: Partners): Promise<FleetOfHub> {
  const { store, acts, config } = ground;
  const { spokes, shared } = partners;
  const commands = new CommandsService(new Outbox(store), new SpokeCarrier(shared.clients), shared.sharing);
  shared.listen(commands, ground.failed);
  const [fleet, latches] = [fleetOf(ground, partners, commands), new Latches(store, acts)];
  const stated = statedBy(partners);
  const isConnected = (id: string) => shared.clients.isReady(id);
  const [orders, listing] = [new Orders(commands), new Listing(spokes, fleet, shared.clients)];
  return {
    ...{ commands, fleet, latches, stated, orders, listing, bundles: await openBundles(ground, partners) },
    known: new KnownAgents({ fleet, commands, queries: partners.queries, listing }),
    placement: placementOf(ground, partners, { commands, fleet, latches, stated }),
    kills: new Kills({ spokes, fleet, commands, orders, isConnected, latches, acts, patience: config.commands }),
  };
}

/** Fed by the journals; after a journal began anew its agents are asked for, at once or when their spoke is there again. */
function fleetOf({ store, config, records, log }: Ground, partners: Partners, commands: CommandsService): Fleet {
  const { peers, shared, queries } = partners;
  const failed = (error: unknown) => log.error({ err: error }, 'the journal of a spoke could not be read');
  const fleet = new Fleet(store, commands.heard, failed, config, (id) => settlement.look(id));
  const isReady = (id: string) => shared.clients.isReady(id);
  const journal = (id: string) => records.inbox.view(id);
  const settlement = new Settlement({ store, fleet, queries, isReady, journal, failed });
  peers.changes.subscribe(({ peer }) => settlement.look(peer.connection.id));
  return fleet;
}

type Load = Pick<FleetOfHub, 'commands' | 'fleet' | 'latches' | 'stated'>;

function placementOf({ store }: Ground, { spokes, shared }: Partners, load: Load): Placement {
  const { commands, fleet, latches, stated } = load;
  return new Placement(store, spokes, stated, {
    agents: async (id) => fleet.live(id) + (await commands.underWay('agent.spawn', id)).length,
    isConnected: (id) => shared.clients.isReady(id),
    isLatched: (spoke) => latches.holds(spoke),
  });
}

function statedBy({ shared }: Partners): StatedGrant {
  return (connectionId) => {
    const stated = shared.board.stated(connectionId);
    return stated && { version: stated.gv, grant: stated.grant };
  };
}

async function openBundles({ config, log }: Ground, { queries }: Partners): Promise<Bundles> {
  const { stateDir, bundles } = config;
  const shelf = new BundleShelf(join(stateDir, 'bundles'), bundles.bytesMax);
  await shelf.prepare();
  const refused = (agentId: string, err: unknown) => log.warn({ err, agentId }, 'a bundle was not taken');
  const ask = (agent: AgentResource, offset: number) => askPiece(queries, agent, offset);
  return new Bundles({ shelf, bytesMax: bundles.eachBytesMax, ask, refused });
}
