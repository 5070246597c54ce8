// Agents on this machine: spawn, follow, kill, clean up.
export { Agents, agentEvents } from './agents.js';
export type {
  AgentFilter,
  BundleFile,
  CloseRequest,
  Latch,
  OutputChunk,
  Reply,
  RestoreRequest,
  SendRequest,
  SpawnRequest,
} from './agents.js';
export { Backend, LimitReached, Runtime } from './runtimes/runtime.js';
export type {
  AgentProfile,
  AgentSkill,
  AgentTask,
  PermissionWish,
  RuntimeHost,
  RuntimeOutcome,
  Turn,
} from './runtimes/runtime.js';
export { openForkServer } from './processes/current.js';
export { Resolver } from './profiles/resolver.js';
export type { Resolved } from './profiles/resolver.js';
export { egressHosts } from './egress/options.js';
export type { Dial } from './egress/options.js';
export { dockerOptions } from './sandbox/docker.options.js';
export { openSandboxes, Sandboxes } from './sandbox/open.js';
export type { SandboxOptions, SandboxReport } from './sandbox/open.js';
export { Sandbox } from './sandbox/sandbox.js';
export type { LaunchSpec, Mount, ProcessEnd, ResourceLimits, SandboxProbe, SandboxProcess } from './sandbox/sandbox.js';
export { gcOptions } from './gc/options.js';
export { createAgents } from './create.js';
export type { CreateAgents } from './create.js';
export type { AgentsLog, AgentsObserver } from './deps.js';
export type { LocalAgents } from './local.js';
export { budgetOptions } from './spending/options.js';
export type { Allowance } from './spending/options.js';
export type { UsageGroup } from './spending/report.js';
export { agentsOptions } from './options.js';
export { reviewOptions } from './review/options.js';
export { SecretScanner } from './secrets/scanner.js';
export type { Leak, ScanText } from './secrets/scanner.js';
export { poolOptions } from './pool/options.js';
export type { AgentsOptions, AgentsOptionsInput } from './options.js';
export { ConfiguredResolver } from './profiles/configured.resolver.js';
export type { ResolverOptions } from './profiles/configured.resolver.js';
export { profileOptions, runtimeOptions, skillOptions } from './profiles/options.js';
export type { ProfileOptions, RuntimeOptions, SkillOptions } from './profiles/options.js';
export type { ModelKey } from './model/options.js';
export { gitVersion } from './worktrees/git.js';
export { GitWorktrees } from './worktrees/git-worktrees.js';
export type { WorktreeOptions } from './worktrees/git-worktrees.js';
export { remoteOptions } from './worktrees/remotes/options.js';
export { remoteOf } from './worktrees/remotes/remotes.js';
export { checkpointOptions } from './worktrees/checkpoints/options.js';
export { Worktrees } from './worktrees/worktrees.js';
export type { Diff, Harvest, Worktree } from './worktrees/worktrees.js';
