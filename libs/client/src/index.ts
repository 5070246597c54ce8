// The typed client of the REST API, for us and for others.
export { isTerminal, WritError } from '#protocol';
export type {
  AgentEvent,
  AgentReport,
  AgentResource,
  AgentState,
  Grant,
  Hub,
  InstanceResource,
  KillOutcomeResource,
  KillSelected,
  Problem,
  SpawnRequestBody,
  Spoke,
} from '#protocol';
export { RestClient } from './client.js';
export type { ConnectionOptions } from './http.js';
export { WritProblem } from './problem.js';
export type {
  BundleDownload,
  Happened,
  ListQuery,
  Missed,
  Output,
  Pending,
  SpawnAnswer,
  SpawnOptions,
} from './agents.js';
