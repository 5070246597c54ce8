// Connects an application to its peers: from then on their commands reach its controllers.
import type { CanActivate, INestApplication } from '@nestjs/common';
import type { ErrorCode } from '#protocol';
import { NestMicroservice } from '@nestjs/microservices';
import type { Observable } from 'rxjs';
import { WritExceptionFilter } from './exception.filter.js';
import { WritServer } from './server.js';
import type { Served } from './server.js';

/**
 * `guards` are asked in this order after the schema of the operation and before the handler: the grant belongs there.
 * `refused` is told the code of every refusal.
 * Filters and guards of the application's own HTTP side do not apply. Follow it with `app.startAllMicroservices()`.
 */
export function serveCommands(
  app: INestApplication,
  peers: Observable<Served>,
  guards: readonly CanActivate[] = [],
  refused?: (code: ErrorCode) => void,
): NestMicroservice {
  const strategy = new WritServer(peers, refused);
  const service = app.connectMicroservice({ strategy }, { deferInitialization: true });
  if (!(service instanceof NestMicroservice)) throw new TypeError('Nest made no microservice.');
  service.useGlobalFilters(new WritExceptionFilter());
  service.useGlobalGuards(...guards);
  // What Nest does itself when initialization is not deferred: filters and guards have to be known before the handlers.
  service.registerListeners();
  service.setIsInitialized(true);
  service.setIsInitHookCalled(true);
  return service;
}
