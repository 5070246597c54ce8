// The hub put together: every part once, in the order in which they stand on each other, and taken down in reverse.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Acts, AuditService, BackupService, checkPeerKeys, SigningService } from '#api';
import {
  AddressPolicy,
  Broker,
  checkBroker,
  Directory,
  hubRecords,
  Identity,
  openAudit,
  peerChecks,
  Peers,
  learnedKeys,
  reachOf,
  statementsOf,
  type HubRecords,
  type LinkBoard,
} from '#federation';
import type { AgentResource, Check } from '#protocol';
import { ChainedLog, openStore, type Store } from '#store';
import { HubGateway } from './agents/gateway.js';
import { Kills } from './agents/kills.js';
import { Listing } from './agents/listing.js';
import { Bundles } from './artifacts/bundles.js';
import { askPiece } from './artifacts/questions.js';
import { BundleShelf } from './artifacts/shelf.js';
import { CommandsService } from './commands/commands.service.js';
import { CommandsView } from './commands/commands.view.js';
import { Outbox } from './commands/outbox.js';
import { SpokeCarrier } from './commands/spoke.carrier.js';
import { brokerSecret, type HubConfig } from './config.js';
import { Fleet } from './fleet/fleet.js';
import { Settlement } from './fleet/settlement.js';
import { InstanceView } from './instance.js';
import { InvitesService } from './invites/invites.service.js';
import { openShared, type Shared } from './shared.js';
import { Latches } from './latches.js';
import { Placement } from './spokes/placement.js';
import { Queries } from './spokes/queries.js';
import { Spokes } from './spokes/spokes.js';
import { SpokesService } from './spokes/spokes.service.js';

/** How often what nobody may ask for any more is forgotten. */
const sweepEveryMs = 86_400_000;

export class Hub {
  private readonly stopping = new AbortController();
  private watching: Promise<void> = Promise.resolve();
  private sweeping: NodeJS.Timeout | undefined;

  private constructor(
    readonly store: Store,
    readonly identity: Identity,
    readonly records: HubRecords,
    readonly peers: Peers,
    readonly shared: Shared,
    readonly fleet: Fleet,
    readonly spokes: Spokes,
    readonly commands: CommandsService,
    readonly gateway: HubGateway,
    readonly services: {
      readonly spokes: SpokesService;
      readonly invites: InvitesService;
      readonly commands: CommandsView;
      readonly backups: BackupService;
      readonly signing: SigningService;
      readonly audit: AuditService;
      readonly acts: Acts;
    },
  ) {}

  /** @throws StoreError, WritError `config_invalid`, `store_format` */
  static async open(config: HubConfig, log: Logger, url: () => string): Promise<Hub> {
    mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
    const identity = Identity.open(join(config.stateDir, 'keys'));
    const place = { prefix: `writ:hub:${identity.id}`, path: join(config.stateDir, 'store.sqlite') };
    const store = await openStore({ url: config.store, ...place });
    const policy = new AddressPolicy(config.networks);
    const acts = new Acts(new ChainedLog(store, ['hub', 'acts']));
    const broker =
      config.broker && new Broker({ options: config.broker, id: identity.id, policy, variable: brokerSecret });
    const records = hubRecords({ store, identity, policy, broker, log, ...auditOptions(config) });
    const { connections, inbox: sink } = records;
    const { heardMs } = config;
    const peers = new Peers({ identity, store, records, sink, policy, broker, heardMs, log });
    const behind = (error: unknown) => log.error({ err: error }, 'work in the background failed');
    const shared = openShared(config, store, peers, behind);
    const { board, clients } = shared;
    const heardAt = (id: string) => board.heardAt(id);
    const directory = new Directory(connections, (id) => ({
      ...reachOf(peers, id),
      ...{ connected: board.isAnywhere(id), heardAtMs: heardAt(id) },
    }));
    const commands = new CommandsService(new Outbox(store), new SpokeCarrier(clients), shared.sharing);
    shared.listen(commands, behind);
    const spokes = new Spokes(connections, directory, heardAt);
    const unread = (error: unknown) => log.error({ err: error }, 'the journal of a spoke could not be read');
    const fleet = new Fleet(store, commands.heard, unread, config, (id) => settlement.look(id));
    const latches = new Latches(store, acts);
    const warn = ({ detail, cure }: Check) => log.warn({ cure }, detail);
    const signing = new SigningService({
      ...{ keys: identity, acts, changed: peers.stateKeys, warn, alarms: records.alarms },
      ...{
        peers: () => statementsOf(peers),
        learn: async (ref, token) => {
          const connection = await directory.find(ref);
          return learnedKeys(connection, await peers.learn(connection.id, token));
        },
        failed: (error) => log.error({ err: error }, 'the key statements could not be looked at'),
      },
    });
    const sealOf = (id: string) => peers.peer(id)?.sealCheckpoint;
    const open = async (ref: string) =>
      openAudit({ receipts: records.receipts, identity, sealOf }, await directory.find(ref));
    const audit = new AuditService({ open, alarms: records.alarms, acts });
    const trust = async () => [
      signing.check(),
      ...checkPeerKeys(statementsOf(peers), Date.now()),
      ...peerChecks(peers),
      ...(await audit.check()),
      ...(broker ? [checkBroker(broker)] : []),
    ];
    const view = new InstanceView(config, identity.id, store, trust);
    const queries = new Queries(clients);
    const journal = (id: string) => records.inbox.view(id);
    const isReady = (id: string) => clients.isReady(id);
    const settlement = new Settlement({ store, fleet, queries, isReady, journal, failed: unread });
    peers.changes.subscribe(({ peer }) => settlement.look(peer.connection.id));
    const bundles = await openBundles(config, queries, log);
    const patience = config.commands;
    const stated = (id: string) => statedGrant(board, id);
    const placement = new Placement(store, spokes, stated, {
      agents: async (id) => fleet.live(id) + (await commands.underWay('agent.spawn', id)).length,
      isConnected: (id) => clients.isReady(id),
      isLatched: (spoke) => latches.holds(spoke),
    });
    const listing = new Listing(spokes, fleet, clients);
    const kills = new Kills({ spokes, fleet, commands, latches, acts, patience });
    const gateway = new HubGateway({
      ...{ spokes, placement, listing, kills, fleet, commands, queries, bundles },
      ...{ latches, acts, store, view, patience },
    });
    const services = {
      spokes: new SpokesService(connections, directory, fleet, stated, acts, records.inbox),
      invites: new InvitesService(records.invites, acts, {
        name: config.name,
        url: () => config.publicUrl ?? url(),
        broker: broker?.url,
      }),
      commands: new CommandsView(commands),
      backups: new BackupService({ store, acts, stateDir: config.stateDir, role: 'hub', name: config.name }),
      signing,
      audit,
      acts,
    };
    return new Hub(store, identity, records, peers, shared, fleet, spokes, commands, gateway, services);
  }

  /** Catches up with the journals: to be done before anybody can ask. */
  async load(): Promise<void> {
    await this.shared.begin();
    const known = await this.spokes.load();
    await Promise.all(known.map(({ id }) => this.fleet.follow(id)));
  }

  /** Meets the spokes, takes up open commands, and goes on following connections. */
  async start(failed: (error: unknown) => void): Promise<void> {
    await this.peers.start();
    this.services.signing.start();
    await this.commands.resume();
    this.watching = this.spokes.watch(({ id }) => void this.fleet.follow(id), this.stopping.signal).catch(failed);
    const sweep = () => void this.records.sweep().catch(failed);
    this.sweeping = setInterval(sweep, sweepEveryMs).unref();
    sweep();
  }

  /** What is open stays open for the next start; what came is recorded. */
  async close(): Promise<void> {
    this.stopping.abort();
    clearInterval(this.sweeping);
    this.services.signing.stop();
    await this.watching;
    await this.commands.stop();
    await this.shared.leave();
    await this.peers.close();
    await this.fleet.stop();
    await this.shared.end();
    await this.store.close();
  }
}

async function openBundles({ stateDir, bundles }: HubConfig, queries: Queries, log: Logger): Promise<Bundles> {
  const shelf = new BundleShelf(join(stateDir, 'bundles'), bundles.bytesMax);
  await shelf.prepare();
  const refused = (agentId: string, err: unknown) => log.warn({ err, agentId }, 'a bundle was not taken');
  const ask = (agent: AgentResource, offset: number) => askPiece(queries, agent, offset);
  return new Bundles({ shelf, bytesMax: bundles.eachBytesMax, ask, refused });
}

function auditOptions({ audit: { retentionDays, checkpointEveryMs } }: HubConfig) {
  return { receiptsRetentionMs: retentionDays * 86_400_000, checkpointEveryMs };
}

function statedGrant(board: LinkBoard, connectionId: string) {
  const stated = board.stated(connectionId);
  return stated && { version: stated.gv, grant: stated.grant };
}
