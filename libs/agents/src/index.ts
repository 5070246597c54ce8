// Agents on this machine: spawn, follow, kill, clean up.
export { Agents, agentEvents } from './agents.js';
export type { AgentFilter, Latch, OutputChunk, SpawnRequest } from './agents.js';
