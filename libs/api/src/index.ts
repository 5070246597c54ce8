// The REST face of hub and spoke.
export { Gateway } from './gateway.js';
export type {
  AgentPage,
  AgentQuery,
  Caller,
  EventPiece,
  KillOutcome,
  KillScope,
  LatchResource,
  OutputPiece,
  PendingCommand,
  SpawnCommand,
  Spawned,
} from './gateway.js';
