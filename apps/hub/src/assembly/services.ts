// What people ask a hub for: each a service over fleet and partners, for a controller.
import { randomUUID } from 'node:crypto';
import type { AuditService, Gateway, SigningService } from '#api';
import { BackupService, Pushes, Webhooks } from '#api';
import { AddressPolicy } from '#federation';
import { HubGateway } from '../agents/gateway.js';
import { Sessions } from '../agents/sessions.js';
import { Spawning } from '../agents/spawning.js';
import { CommandsView } from '../commands/commands.view.js';
import { variable } from '../config.js';
import { publishedKey } from '../doors.js';
import { InstanceView } from '../instance.js';
import { InvitesService } from '../invites/invites.service.js';
import { SpokesService } from '../spokes/spokes.service.js';
import type { FleetOfHub } from './fleet.js';
import type { Ground } from './ground.js';
import type { Partners } from './partners.js';

export interface Services {
  readonly gateway: Gateway;
  readonly spokes: SpokesService;
  readonly invites: InvitesService;
  readonly commands: CommandsView;
  readonly backups: BackupService;
  readonly signing: SigningService;
  readonly audit: AuditService;
  readonly webhooks: Webhooks;
  readonly pushes: Pushes;
}

/** `url`: where this hub listens, known when it does. */
export function openServices(ground: Ground, partners: Partners, own: FleetOfHub, url: () => string): Services {
  const { config, store, acts, records, broker } = ground;
  const { name, stateDir, publicUrl } = config;
  const { directory, trust } = partners;
  const place = { name, url: () => publicUrl ?? url(), broker: broker?.url };
  const gateway = gatewayOf(ground, partners, own);
  return {
    ...{ gateway, webhooks: webhooksOf(ground, gateway), pushes: pushesOf(ground, gateway, place.url) },
    spokes: new SpokesService(records.connections, directory, own.fleet, own.stated, acts, records.inbox),
    invites: new InvitesService(records.invites, acts, place),
    commands: new CommandsView(own.commands),
    backups: new BackupService({ store, acts, stateDir, role: 'hub', name }),
    ...{ signing: trust.signing, audit: trust.audit },
  };
}

function gatewayOf({ config, identity, store, acts }: Ground, partners: Partners, own: FleetOfHub): HubGateway {
  const { spokes, queries, trust } = partners;
  const patience = config.commands;
  const view = new InstanceView(config, identity.id, store, trust.checks);
  const spawning = new Spawning({ ...own, spokes, patience });
  const sessions = new Sessions({ ...own, spokes, queries, acts, patience });
  return new HubGateway({ ...own, spawning, sessions, spokes, queries, store, view });
}

function pushesOf(ground: Ground, gateway: Gateway, url: () => string): Pushes {
  const { config, identity, store, log } = ground;
  const addresses = new AddressPolicy(config.a2a.pushNetworks);
  return new Pushes({
    gateway,
    store,
    owner: ownerOf(ground),
    key: () => publishedKey(identity, url()),
    addresses,
    log,
  });
}

/** On a store of its own this hub is always the same sender: after a crash it need not wait for its own lease. */
function ownerOf({ config }: Ground): string {
  return config.store === undefined ? 'alone' : randomUUID();
}

function webhooksOf(ground: Ground, gateway: Gateway): Webhooks {
  const { config, identity, store, log } = ground;
  const owner = ownerOf(ground);
  return new Webhooks({
    ...{ hooks: config.webhooks, gateway, store, source: identity.id, owner, variable, log },
    lookup: ({ url, networks }) => new AddressPolicy(networks).lookupFor(new URL(url)),
  });
}
