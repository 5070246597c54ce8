// Agents on this machine: spawn, follow, kill, clean up.
export { Agents, agentEvents } from './agents.js';
export type { AgentFilter, Latch, OutputChunk, SpawnRequest } from './agents.js';
export { LimitReached, Runtime } from './runtimes/runtime.js';
export type { AgentProfile, AgentSkill, AgentTask, RuntimeHost, RuntimeOutcome } from './runtimes/runtime.js';
export { Resolver } from './profiles/resolver.js';
export type { Resolved } from './profiles/resolver.js';
export { openSandboxes, Sandboxes } from './sandbox/open.js';
export type { SandboxOptions, SandboxReport } from './sandbox/open.js';
export { Sandbox } from './sandbox/sandbox.js';
export type { LaunchSpec, Mount, ProcessEnd, ResourceLimits, SandboxProbe, SandboxProcess } from './sandbox/sandbox.js';
export { createAgents } from './create.js';
export type { CreateAgents } from './create.js';
export type { AgentsLog } from './deps.js';
export type { LocalAgents } from './local.js';
export { agentsOptions } from './options.js';
export type { AgentsOptions, AgentsOptionsInput } from './options.js';
