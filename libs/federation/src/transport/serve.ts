// Connects an application to its peers: from then on their commands reach its controllers.
import type { CanActivate, INestApplication, INestMicroservice } from '@nestjs/common';
import type { Observable } from 'rxjs';
import { WritExceptionFilter } from './exception.filter.js';
import { WritServer } from './server.js';
import type { Served } from './server.js';

/**
 * `guards` are asked in this order after the schema of the operation and before the handler: the grant belongs there.
 * Filters and guards of the application's own HTTP side do not apply. Follow it with `app.startAllMicroservices()`.
 */
export function serveCommands(
  app: INestApplication,
  peers: Observable<Served>,
  guards: readonly CanActivate[] = [],
): INestMicroservice {
  const service = app.connectMicroservice({ strategy: new WritServer(peers) }, { deferInitialization: true });
  service.useGlobalFilters(new WritExceptionFilter());
  service.useGlobalGuards(...guards);
  return service;
}
