// The spoke as a Nest application: the shared REST face over the spoke's gateway, its hubs, and the signed operations.
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
import { AgentsController } from './agents/agents.controller.js';
import { Inbox } from './agents/inbox.js';
import { GrantsController } from './grants/grants.controller.js';
import { DrainController } from './housekeeping/drain.controller.js';
import { GcController } from './housekeeping/gc.controller.js';
import { HousekeepingService } from './housekeeping/housekeeping.service.js';
import { HubsController } from './hubs/hubs.controller.js';
import { HubsService } from './hubs/hubs.service.js';
import { PoolController } from './pool/pool.controller.js';
import { PoolService } from './pool/pool.service.js';
import { QuestionsController } from './questions/questions.controller.js';
import { QuestionsService } from './questions/questions.service.js';
import { variable } from './config.js';
import type { Spoke } from './spoke.js';
import { UsageController } from './usage/usage.controller.js';
import { UsageService } from './usage/usage.service.js';

@Module({})
class SpokeCore {
  static of({ ground, services }: Spoke): DynamicModule {
    const { gateway, hubs, inbox, housekeeping, pool, questions, usage, backups, signing, audit } = services;
    const providers = [
      { provide: Store, useValue: ground.store },
      { provide: Gateway, useValue: gateway },
      { provide: HubsService, useValue: hubs },
      { provide: Inbox, useValue: inbox },
      { provide: HousekeepingService, useValue: housekeeping },
      { provide: PoolService, useValue: pool },
      { provide: QuestionsService, useValue: questions },
      { provide: UsageService, useValue: usage },
      { provide: BackupService, useValue: backups },
      { provide: SigningService, useValue: signing },
      { provide: AuditService, useValue: audit },
    ];
    return { module: SpokeCore, providers, exports: providers.map(({ provide }) => provide) };
  }
}

const apiOf = ({ ground: { acts, config } }: Spoke) => ({
  acts,
  instance: { role: 'spoke' as const, name: config.name },
  console: consoleOf(config),
  variable,
});

@Module({})
export class SpokeModule {
  static register(spoke: Spoke, logger: Logger, metrics: Metrics): DynamicModule {
    const core = SpokeCore.of(spoke);
    return {
      module: SpokeModule,
      imports: [core, ApiModule.register({ imports: [core], logger, metrics, ...apiOf(spoke) })],
      controllers: [
        HubsController,
        GrantsController,
        AgentsController,
        GcController,
        DrainController,
        BackupController,
        SigningController,
        AuditController,
        QuestionsController,
        UsageController,
        PoolController,
      ],
    };
  }
}
