// The spoke put together: every part once, in the order in which they stand on each other, and taken down in reverse.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import {
  ConfiguredResolver,
  createAgents,
  GitWorktrees,
  openSandboxes,
  remoteOf,
  type AgentsObserver,
  type Allowance,
  type LocalAgents,
  type Sandboxes,
} from '#agents';
import { Acts, AuditService, BackupService, Calls, checkPeerKeys, SigningService, version } from '#api';
import {
  AddressPolicy,
  Broker,
  checkBroker,
  Directory,
  Identity,
  LinkBoard,
  openAudit,
  peerChecks,
  Peers,
  reachOf,
  spokeRecords,
  learnedKeys,
  statementsOf,
  type SpokeRecords,
} from '#federation';
import { operationNames, type Check } from '#protocol';
import { ChainedLog, openStore, Replicas, type Store } from '#store';
import { dialBy } from './agents/dial.js';
import { local, SpokeGateway } from './agents/gateway.js';
import { Inbox } from './agents/inbox.js';
import { SharedAgents } from './agents/shared.agents.js';
import { modelKey, variable, type SpokeConfig } from './config.js';
import { GrantGuard } from './grants/grant.guard.js';
import { GrantsService } from './grants/grants.service.js';
import { ConnectionPolicy } from './hubs/connection.policy.js';
import { HousekeepingService } from './housekeeping/housekeeping.service.js';
import { HubsService } from './hubs/hubs.service.js';
import { HubLeases } from './hubs/leases.js';
import { InstanceView } from './instance.js';
import { QuestionsService } from './questions/questions.service.js';
import { EventsTail } from './journal/events.tail.js';
import { JournalRelay } from './journal/journal.relay.js';
import { UsageService } from './usage/usage.service.js';

const softwareOf = () => ({ software: `writ ${version}`, versions: [1], operations: [...operationNames] });

/** How often what nobody may ask for any more is forgotten. */
const sweepEveryMs = 86_400_000;

export class Spoke {
  private readonly stopping = new AbortController();
  private following: readonly Promise<void>[] = [];
  private sweeping: NodeJS.Timeout | undefined;
  private ended: Promise<void> | undefined;

  private constructor(
    readonly store: Store,
    readonly acts: Acts,
    readonly agents: LocalAgents,
    readonly records: SpokeRecords,
    readonly peers: Peers,
    readonly gateway: SpokeGateway,
    readonly inbox: Inbox,
    readonly hubs: HubsService,
    readonly questions: QuestionsService,
    readonly usage: UsageService,
    readonly guard: GrantGuard,
    readonly housekeeping: HousekeepingService,
    readonly backups: BackupService,
    readonly signing: SigningService,
    readonly audit: AuditService,
    private readonly grants: GrantsService,
    private readonly relay: JournalRelay,
    private readonly tail: EventsTail,
    private readonly policy: ConnectionPolicy,
    private readonly shared: Shared,
  ) {}

  /** Recovery is done when this resolves. @throws StoreError, WritError `config_invalid`, `store_format` */
  static async open(config: SpokeConfig, log: Logger, observer?: AgentsObserver): Promise<Spoke> {
    mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
    const identity = Identity.open(join(config.stateDir, 'keys'));
    const store = await openDurable(config, identity.id, log);
    try {
      return await Spoke.on(store, identity, config, log, observer);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  private static async on(
    store: Store,
    identity: Identity,
    config: SpokeConfig,
    log: Logger,
    observer?: AgentsObserver,
  ): Promise<Spoke> {
    const addresses = new AddressPolicy(config.networks);
    const failed = (error: unknown) => log.error({ err: error }, 'work in the background failed');
    const broker =
      config.broker && new Broker({ options: config.broker, id: identity.id, policy: addresses, variable });
    const records = spokeRecords({
      store,
      identity,
      policy: addresses,
      broker,
      ...auditOptions(config),
      journal: { heartbeatMs: config.heartbeatMs },
    });
    const acts = new Acts(new ChainedLog(store, ['spoke', 'acts']));
    const grants = new GrantsService(store, acts, identity.id);
    const sandboxes = await openSandboxes({
      stateDir: join(config.stateDir, 'sandboxes'),
      ...config.sandbox,
      spokeId: identity.id,
    });
    const allowance = (owner: string) => allowanceOf(grants, owner);
    const replicas = new Replicas(store, { shared: config.store !== undefined, failed });
    const ground = { store, sandboxes, sourceId: identity.id, process: replicas.id, log, allowance, observer };
    const agents = await openAgents(config, ground);
    const peers = new Peers({
      ...{ identity, store, records, source: records.journal, ops: operationNames, policy: addresses, broker, log },
      heardMs: config.heardMs,
      grantOf: async (id) => stated(await grants.find(id)),
    });
    const board = new LinkBoard(store, replicas, peers, failed);
    const calls: Calls = new Calls(store, replicas, (name, args) => shared.answerCall(name, args), failed);
    const shared = new SharedAgents(agents, replicas, calls);
    const all = replicas.isShared ? shared : agents;
    const directory = new Directory(records.connections, (id) => ({
      ...reachOf(peers, id),
      ...{ connected: board.isAnywhere(id), heardAtMs: board.heardAt(id) },
    }));
    grants.changed = (id) => void peers.peer(id)?.greet();
    const link =
      config.publicUrl === undefined
        ? { kind: 'outbound' as const }
        : { kind: 'direct' as const, url: config.publicUrl };
    const pulse = { live: (id: string) => agents.live(id), journal: (id: string) => records.journal.view(id) };
    const hubs = new HubsService(records.pairing, records.connections, directory, grants, acts, pulse, {
      name: config.name,
      link,
    });
    const housekeeping = new HousekeepingService(agents, acts);
    const backups = new BackupService({ store, acts, stateDir: config.stateDir, role: 'spoke', name: config.name });
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
    const view = new InstanceView(config, identity.id, store, sandboxes, agents, trust);
    const gateway = new SpokeGateway({
      ...{ agents: all, store, acts, view, directory, owners: () => ownersOf(records) },
      pushable: (repository) => remoteOf(config.remotes, repository)?.push ?? [],
    });
    const inbox = new Inbox(all, grants, records.journal, softwareOf, acts);
    const tail = new EventsTail(store, config.eventsKeptMax);
    const relay = new JournalRelay(store, records.journal, tail, failed);
    const policy = new ConnectionPolicy({ agents, grants, peers, board, leases: new HubLeases(store), failed });
    return new Spoke(
      store,
      acts,
      agents,
      records,
      peers,
      gateway,
      inbox,
      hubs,
      new QuestionsService(agents, acts),
      new UsageService(agents, directory),
      new GrantGuard(grants),
      housekeeping,
      backups,
      signing,
      audit,
      grants,
      relay,
      tail,
      policy,
      { replicas, board, calls },
    );
  }

  /** Relays and dials for every connection, those that come later included. */
  async start(failed: (error: unknown) => void): Promise<void> {
    await this.shared.calls.begin();
    await this.shared.replicas.begin();
    await this.shared.board.begin();
    for (const connection of await this.records.connections.list()) this.relay.follow(connection);
    await this.peers.start();
    this.signing.start();
    this.policy.start();
    const { signal } = this.stopping;
    this.following = [this.watch(failed).catch(failed), this.grants.follow(signal).catch(failed)];
    this.following = [...this.following, this.tail.follow(local, signal, failed)];
    const sweep = () => void this.records.sweep().catch(failed);
    this.sweeping = setInterval(sweep, sweepEveryMs).unref();
    sweep();
  }

  /**
   * Agents are ended and recorded, their last events journaled and, while the link is there, sent; then the links go. With other
   * processes beside it the links go first: what comes goes to those, and they send the events.
   */
  async close(): Promise<void> {
    this.policy.stop();
    clearInterval(this.sweeping);
    this.signing.stop();
    if (this.shared.replicas.others.length > 0) await this.unlinked();
    await this.agents.close();
    this.stopping.abort();
    await Promise.all(this.following);
    await this.relay.stop();
    await this.unlinked();
    await this.shared.replicas.end();
    await this.shared.calls.end();
    await this.store.close();
  }

  private async unlinked(): Promise<void> {
    await this.shared.board.end();
    this.ended ??= this.peers.close();
    await this.ended;
  }

  private async watch(failed: (error: unknown) => void): Promise<void> {
    for await (const connection of this.records.connections.watch(this.stopping.signal)) {
      this.relay.follow(connection);
      this.policy.changed(connection).catch(failed);
    }
  }
}

/** The journal promises that what a hub was told was written: a store that forgets is named at every start. */
async function openDurable(config: SpokeConfig, id: string, log: Logger): Promise<Store> {
  const place = { prefix: `writ:spoke:${id}`, path: join(config.stateDir, 'store.sqlite') };
  const store = await openStore({ url: config.store, ...place });
  const durability = await store.durability();
  if (!durability.synced) log.warn({ reason: durability.reason }, 'events may be lost with the power of the store');
  return store;
}

/** What the processes of one spoke on one store have in common. */
interface Shared {
  readonly replicas: Replicas;
  readonly board: LinkBoard;
  readonly calls: Calls;
}

interface AgentsGround {
  readonly store: Store;
  readonly sandboxes: Sandboxes;
  readonly sourceId: string;
  readonly process: string;
  readonly log: Logger;
  readonly allowance: (owner: string) => Promise<Allowance | undefined>;
  readonly observer: AgentsObserver | undefined;
}

function openAgents(config: SpokeConfig, { sandboxes, ...ground }: AgentsGround): Promise<LocalAgents> {
  const { allowFile, fetchMs, bytesMax, readyMax, readyFilesMin } = config.repositories;
  const inUse = async (agentId: string) => {
    const counts = await Promise.all(sandboxes.all.map((sandbox) => sandbox.survivors(agentId)));
    return counts.some((count) => count > 0);
  };
  const root = join(config.stateDir, 'worktrees');
  const bounds = { fetchTimeMsMax: fetchMs, fetchBytesMax: bytesMax };
  const ready = { max: readyMax, filesMin: readyFilesMin };
  const keys = { remotes: config.remotes, variable };
  const { checkpoints } = config;
  const worktrees = new GitWorktrees({ root, allowFile, inUse, ready, checkpoints, ...bounds, ...keys });
  const resolver = new ConfiguredResolver(config, modelKey);
  const { budget, review, egress, gc, pool } = config;
  const options = { ...config.agents, egress: egress.hosts, gc, pool, stateDir: join(config.stateDir, 'agents') };
  const dial = dialBy(new AddressPolicy(egress.networks));
  return createAgents({ ...ground, sandboxes: sandboxes.all, worktrees, resolver, options, budget, review, dial });
}

/** The limits of a hub beside those of each agent, as its grant stands at this moment; the spoke's own people have none. */
async function allowanceOf(grants: GrantsService, owner: string): Promise<Allowance | undefined> {
  if (owner === local) return undefined;
  const grant = (grants.known(owner) ?? (await grants.find(owner)))?.grant;
  return { ...grant, egress: grant?.egress ?? [] };
}

function auditOptions({ audit: { retentionDays, checkpointEveryMs } }: SpokeConfig) {
  return { receiptsRetentionMs: retentionDays * 86_400_000, checkpointEveryMs };
}

function stated(held: Awaited<ReturnType<GrantsService['find']>>) {
  return held ? { gv: held.version, grant: held.grant } : null;
}

async function ownersOf({ connections }: SpokeRecords): Promise<string[]> {
  return [local, ...(await connections.list()).map(({ id }) => id)];
}
