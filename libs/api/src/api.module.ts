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
import type { ConsoleSettings } from './console/options.js';
import { ApiKeys } from './keys/api-keys.js';
import { KeysController } from './keys/keys.controller.js';
import { RolesGuard } from './keys/roles.js';
import { Metrics } from './metrics/metrics.js';
import { MetricsController } from './metrics/metrics.controller.js';
import { Refusals } from './metrics/requests.js';
import { LOGGER } from './requests/logging.js';
import { ProblemFilter } from './requests/problem.filter.js';
import { SchemaPipe } from './requests/schema.pipe.js';
import type { Variable } from './secrets/secret-text.js';
import { SessionCookie } from './sign-in/cookie.js';
import { OIDC_COOKIE, OidcController } from './sign-in/oidc/oidc.controller.js';
import { OidcFlow } from './sign-in/oidc/flow.js';
import { INSTANCE, SignInController } from './sign-in/sign-in.controller.js';
import { Sessions } from './sign-in/sessions.js';
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
  /** Whose console it is, and how long people stay signed in. */
  readonly instance: { readonly role: 'hub' | 'spoke'; readonly name: string };
  readonly console: ConsoleSettings;
  /** A variable of the environment, for the secrets that settings name. */
  readonly variable: Variable;
}

/** Guard, pipe and filter hold for every HTTP handler of the app, also for those in other modules. */
const borders = [
  { provide: APP_GUARD, useClass: RolesGuard },
  { provide: APP_PIPE, useClass: SchemaPipe },
  { provide: APP_FILTER, useClass: ProblemFilter },
];

const sessionsOf = ({ instance, console, variable }: ApiOptions) => [
  { provide: INSTANCE, useValue: instance },
  { provide: SessionCookie, useValue: new SessionCookie({ ...instance, secure: console.secure }) },
  { provide: OidcFlow, useValue: OidcFlow.of(console.oidc, variable) },
  { provide: OIDC_COOKIE, useValue: new SessionCookie({ ...instance, secure: console.secure }, 'writ_oidc', 'Lax') },
  {
    provide: Sessions,
    useFactory: (store: Store, keys: ApiKeys) => new Sessions(store, keys, console),
    inject: [Store, ApiKeys],
  },
];

@Module({})
export class ApiModule {
  static register(options: ApiOptions): DynamicModule {
    const { imports, logger, acts, heartbeatMs, metrics = new Metrics() } = options;
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
        SignInController,
        OidcController,
      ],
      providers: [
        { provide: Streams, useFactory: () => new Streams(heartbeatMs) },
        { provide: LOGGER, useValue: logger },
        { provide: Metrics, useValue: metrics },
        { provide: Refusals, useValue: new Refusals(metrics) },
        { provide: ApiKeys, useFactory: (store: Store) => new ApiKeys(store, acts), inject: [Store] },
        ...sessionsOf(options),
        ...borders,
      ],
      exports: [Sessions, SessionCookie, Streams, ApiKeys, LOGGER, Metrics, Refusals],
    };
  }
}
