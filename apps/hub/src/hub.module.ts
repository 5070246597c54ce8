// The hub as a Nest application: the shared REST face over the hub's gateway, and what only a hub has.
import { Module, type DynamicModule } from '@nestjs/common';
import type { Logger } from 'pino';
import {
  ApiModule,
  AuditController,
  AuditService,
  BackupController,
  BackupService,
  consoleOf,
  Gateway,
  SigningController,
  SigningService,
  type Metrics,
} from '#api';
import { Store } from '#store';
import { CommandsController } from './commands/commands.controller.js';
import { CommandsView } from './commands/commands.view.js';
import { variable } from './config.js';
import type { Hub } from './hub.js';
import { InvitesController } from './invites/invites.controller.js';
import { InvitesService } from './invites/invites.service.js';
import { SpokesController } from './spokes/spokes.controller.js';
import { SpokesService } from './spokes/spokes.service.js';

@Module({})
class HubCore {
  static of({ ground, services }: Hub): DynamicModule {
    const providers = [
      { provide: Store, useValue: ground.store },
      { provide: Gateway, useValue: services.gateway },
      { provide: SpokesService, useValue: services.spokes },
      { provide: InvitesService, useValue: services.invites },
      { provide: CommandsView, useValue: services.commands },
      { provide: BackupService, useValue: services.backups },
      { provide: SigningService, useValue: services.signing },
      { provide: AuditService, useValue: services.audit },
    ];
    return { module: HubCore, providers, exports: providers.map(({ provide }) => provide) };
  }
}

const apiOf = ({ ground: { acts, config } }: Hub) => ({
  acts,
  instance: { role: 'hub' as const, name: config.name },
  console: consoleOf(config),
  variable,
});

@Module({})
export class HubModule {
  static register(hub: Hub, logger: Logger, metrics: Metrics): DynamicModule {
    const core = HubCore.of(hub);
    return {
      module: HubModule,
      imports: [core, ApiModule.register({ imports: [core], logger, metrics, ...apiOf(hub) })],
      controllers: [
        SpokesController,
        InvitesController,
        CommandsController,
        BackupController,
        SigningController,
        AuditController,
      ],
    };
  }
}
