// The typed client of the REST API, for us and for others.
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
