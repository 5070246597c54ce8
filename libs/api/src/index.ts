// The REST face of hub and spoke.
export { Gateway } from './gateway.js';
export type {
  AgentPage,
  AgentQuery,
  Caller,
  EventPiece,
  KillScope,
  LatchResource,
  OutputPiece,
  SpawnCommand,
  Spawned,
} from './gateway.js';
