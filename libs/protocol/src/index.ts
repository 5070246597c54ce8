// Ground: what two instances, and an instance and its users, say to each other. No Nest, no I/O.
export { describeError, errorCodes, problemOf, WritError } from './errors.js';
export type { ErrorCode, ErrorContext, Problem } from './errors.js';
export {
  actor,
  agentContext,
  agentOptions,
  agentResource,
  agentResult,
  agentState,
  agentStates,
  agentType,
  agentTypes,
  cleanup,
  cleanupSteps,
  exitReason,
  exitReasons,
  finding,
  isTerminal,
  itemAnswer,
  limits,
  sandboxLevel,
  sandboxLevels,
  spawnArgs,
  usage,
} from './agent.js';
export type {
  Actor,
  AgentResource,
  AgentResult,
  AgentState,
  AgentType,
  Cleanup,
  ExitReason,
  Limits,
  SandboxLevel,
  SpawnArgs,
  Usage,
} from './agent.js';
export { agentEvent, eventTypes } from './events.js';
export type { AgentEvent, EventData, EventType } from './events.js';
export { grant } from './grant.js';
export type { Grant, GrantInput } from './grant.js';
export {
  agentId,
  branchName,
  commitHash,
  idempotencyKey,
  nonce128,
  profileName,
  repositoryUrl,
  runtimeName,
  spokeName,
  taskId,
  thumbprint,
} from './names.js';
export { killReport, operation, operationName, operationNames } from './operations.js';
export type { KillReport, OperationArgs, OperationBody, OperationKind, OperationName } from './operations.js';
