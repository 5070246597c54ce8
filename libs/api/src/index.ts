// The REST face of hub and spoke.
export { Acts } from './acts.js';
export type { Act } from './acts.js';
export type { InstanceKey } from './a2a/signature.js';
export { ApiModule } from './api.module.js';
export type { ApiOptions } from './api.module.js';
export { authorityFile, trustAuthorities } from './authorities.js';
export { BackupController } from './backup/backup.controller.js';
export { BackupService } from './backup/backup.service.js';
export { closeOnSignals, serve } from './bootstrap.js';
export type { Served, ServeOptions } from './bootstrap.js';
export { loadConfig } from './config.js';
export { consoleOf, consoleOptions } from './console/options.js';
export type { ConfigSource } from './config.js';
export { ApiHeader, ApiOperation, ApiResponse, ApiTags } from './docs/describing.js';
export { firstKeyLine } from './first-key.js';
export { Calls } from './replicas/calls.js';
export type { AnswerCall } from './replicas/calls.js';
export { Gateway } from './gateway.js';
export type {
  AgentPage,
  AgentQuery,
  Bundle,
  Caller,
  CloseCommand,
  EventGap,
  EventPiece,
  KillOutcome,
  KillScope,
  KillSelection,
  LatchResource,
  OutputPiece,
  OrderedSpawn,
  PendingCommand,
  RestoreCommand,
  Selection,
  SendCommand,
  Sent,
  SpawnCommand,
  Spawned,
  WentBack,
} from './gateway.js';
export { ApiKeys } from './keys/api-keys.js';
export { CallerOf, Needs, Public, Unlimited } from './keys/roles.js';
export { checkStore, readinessOf } from './health.js';
export { AuditController } from './audit/audit.controller.js';
export { AuditService } from './audit/audit.service.js';
export { watchStatements } from './signing/watch.js';
export type { PeerStatement } from './signing/check.js';
export { SigningController } from './signing/signing.controller.js';
export { SigningService } from './signing/signing.service.js';
export { Metrics } from './metrics/metrics.js';
export type { MetricDefinition, Reading } from './metrics/metrics.js';
export { measurePeers, peerMetrics } from './metrics/peers.js';
export type { PeerFigures } from './metrics/peers.js';
export { measureStanding, standingMetrics } from './metrics/standing.js';
export { Refusals, requestMetrics } from './metrics/requests.js';
export { IdempotencyKey, IfMatch, LastEventId, WaitMs } from './requests/headers.js';
export { createLogger, LOGGER } from './requests/logging.js';
export { Trust } from './trust.js';
export { Pushes } from './push/pushes.js';
export { version } from './version.js';
export { checkWebhooks } from './webhooks/check.js';
export { measureWebhooks, webhookMetrics } from './webhooks/metrics.js';
export { webhookOptions } from './webhooks/options.js';
export type { Webhook } from './webhooks/options.js';
export { Webhooks } from './webhooks/webhooks.js';
export { Streams } from './streams/streams.js';
export type { Message } from './streams/streams.js';
