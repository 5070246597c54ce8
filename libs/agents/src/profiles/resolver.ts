// What this spoke's configuration makes of a spawn request: which runtime, which profile, which skills, and what they need to see.
import type { SpawnArgs } from '#protocol';
import type { AgentProfile, AgentSkill, Runtime } from '../runtimes/runtime.js';
import type { Mount } from '../sandbox/sandbox.js';

export interface Resolved {
  readonly runtime: Runtime;
  readonly profile: AgentProfile;
  readonly skills: readonly AgentSkill[];
  /** Asked for, or the profile's; absent means the runtime's default. */
  readonly model?: string;
  /** For every launch of the agent, all read-only; the worktree at `/work` is not among them. */
  readonly mounts: readonly Mount[];
}

export abstract class Resolver {
  /**
   * All names found and admitted, before anything changes.
   * @throws WritError `runtime_unknown`, `skill_unknown`, `no_model_key`, `invalid_request` (field `options.model`).
   */
  abstract resolve(args: SpawnArgs): Promise<Resolved>;
}
