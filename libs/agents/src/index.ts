// Agents on this machine: spawn, follow, kill, clean up.
export { Agents, agentEvents } from './agents.js';
export type { AgentFilter, Latch, OutputChunk, SpawnRequest } from './agents.js';
export { LimitReached, Runtime } from './runtimes/runtime.js';
export type { AgentProfile, AgentSkill, AgentTask, RuntimeHost, RuntimeOutcome } from './runtimes/runtime.js';
export { Resolver } from './profiles/resolver.js';
export type { Resolved } from './profiles/resolver.js';
