// What people and hubs ask a spoke for: each a service over agents and partners, for a controller or the federation's server.
import { remoteOf } from '#agents';
import type { AuditService, Gateway, SigningService } from '#api';
import { BackupService, version, Webhooks } from '#api';
import { AddressPolicy, type SpokeRecords } from '#federation';
import { operationNames } from '#protocol';
import { local, SpokeGateway } from '../agents/gateway.js';
import { Inbox } from '../agents/inbox.js';
import { variable } from '../config.js';
import { GrantGuard } from '../grants/grant.guard.js';
import { HousekeepingService } from '../housekeeping/housekeeping.service.js';
import type { HubsService } from '../hubs/hubs.service.js';
import { InstanceView } from '../instance.js';
import { PoolService } from '../pool/pool.service.js';
import { QuestionsService } from '../questions/questions.service.js';
import { UsageService } from '../usage/usage.service.js';
import type { AgentsOfSpoke } from './agents.js';
import type { Ground } from './ground.js';
import type { Partners } from './partners.js';

export interface Services {
  readonly gateway: Gateway;
  readonly inbox: Inbox;
  readonly guard: GrantGuard;
  readonly hubs: HubsService;
  readonly questions: QuestionsService;
  readonly usage: UsageService;
  readonly pool: PoolService;
  readonly housekeeping: HousekeepingService;
  readonly backups: BackupService;
  readonly signing: SigningService;
  readonly audit: AuditService;
  readonly webhooks: Webhooks;
}

const softwareOf = () => ({ software: `writ ${version}`, versions: [1], operations: [...operationNames] });

export function openServices(ground: Ground, own: AgentsOfSpoke, partners: Partners): Services {
  const { store, acts, grants, records, config } = ground;
  const { stateDir, name } = config;
  const { signing, audit } = partners.trust;
  const gateway = gatewayOf(ground, own, partners);
  return {
    ...{ gateway, webhooks: webhooksOf(ground, gateway), signing, audit, hubs: partners.hubs },
    inbox: new Inbox(partners.agents, grants, records.journal, softwareOf, acts),
    guard: new GrantGuard(grants),
    questions: new QuestionsService(own.agents, acts),
    usage: new UsageService(own.agents, partners.directory),
    pool: new PoolService(own.agents),
    housekeeping: new HousekeepingService(own.agents, acts),
    backups: new BackupService({ store, acts, stateDir, role: 'spoke', name }),
  };
}

function gatewayOf(ground: Ground, own: AgentsOfSpoke, { agents, directory, trust }: Partners): SpokeGateway {
  const { config, identity, store, acts, records } = ground;
  return new SpokeGateway({
    ...{ agents, store, acts, directory },
    view: new InstanceView(config, identity.id, store, own.sandboxes, own.agents, trust.checks),
    owners: () => ownersOf(records),
    pushable: (repository) => remoteOf(config.remotes, repository)?.push ?? [],
  });
}

async function ownersOf({ connections }: SpokeRecords): Promise<string[]> {
  return [local, ...(await connections.list()).map(({ id }) => id)];
}

/** On a store of its own this spoke is always the same sender: after a crash it need not wait for its own lease. */
function webhooksOf({ config, identity, store, replicas, log }: Ground, gateway: Gateway): Webhooks {
  return new Webhooks({
    ...{ hooks: config.webhooks, gateway, store, source: identity.id, variable, log },
    owner: replicas.isShared ? replicas.id : 'alone',
    lookup: ({ url, networks }) => new AddressPolicy(networks).lookupFor(new URL(url)),
  });
}
