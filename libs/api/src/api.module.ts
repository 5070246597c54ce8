// The REST face as one dynamic module: an app gives its gateway and its store, and gets the resources both share.
import { Module } from '@nestjs/common';
import type { DynamicModule, ModuleMetadata } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { Store } from '#store';
import type { Logger } from 'pino';
import type { Acts } from './acts.js';
import { AgentsController } from './agents/agents.controller.js';
import { ArtifactsController } from './agents/artifacts.controller.js';
import { EventsController } from './agents/events.controller.js';
import { InstanceController } from './agents/instance.controller.js';
import { SessionsController } from './agents/sessions.controller.js';
import { KillController } from './agents/kill.controller.js';
import { ApiKeys } from './keys/api-keys.js';
import { KeysController } from './keys/keys.controller.js';
import { RolesGuard } from './keys/roles.js';
import { Metrics } from './metrics/metrics.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { Refusals } from './metrics/requests.js';
import { LOGGER } from './requests/logging.js';
import { ProblemFilter } from './requests/problem.filter.js';
import { SchemaPipe } from './requests/schema.pipe.js';
import { Streams } from './streams/streams.js';

export interface ApiOptions {
  /** Modules that export `Gateway` (the hub's over its fleet, the spoke's over itself) and `Store`. */
  readonly imports: NonNullable<ModuleMetadata['imports']>;
  readonly logger: Logger;
  /** Where making and revoking a key is written down. */
  readonly acts: Acts;
  /** Where the app's own figures are; those of the REST face come along. */
  readonly metrics?: Metrics;
  /** How often an idle event stream says that it is alive; 15 s by default. */
  readonly heartbeatMs?: number;
}

/** Guard, pipe and filter hold for every HTTP handler of the app, also for those in other modules. */
const borders = [
  { provide: APP_GUARD, useClass: RolesGuard },
  { provide: APP_PIPE, useClass: SchemaPipe },
  { provide: APP_FILTER, useClass: ProblemFilter },
];

@Module({})
export class ApiModule {
  static register({ imports, logger, acts, heartbeatMs, metrics = new Metrics() }: ApiOptions): DynamicModule {
    return {
      module: ApiModule,
      imports,
      controllers: [
        AgentsController,
        ArtifactsController,
        SessionsController,
        KillController,
        EventsController,
        InstanceController,
        KeysController,
        MetricsController,
      ],
      providers: [
        { provide: Streams, useFactory: () => new Streams(heartbeatMs) },
        { provide: LOGGER, useValue: logger },
        { provide: Metrics, useValue: metrics },
        { provide: Refusals, useValue: new Refusals(metrics) },
        { provide: ApiKeys, useFactory: (store: Store) => new ApiKeys(store, acts), inject: [Store] },
        ...borders,
      ],
      exports: [Streams, ApiKeys, LOGGER, Metrics, Refusals],
    };
  }
}
