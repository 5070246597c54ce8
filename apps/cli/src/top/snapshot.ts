// What `writ top` shows of one moment: the instance, its peers, and the agents that live.
import type { RestClient } from '#client';
import type { AgentCounts, AgentResource, Hub, Spoke } from '#protocol';

export interface Snapshot {
  readonly at: string;
  readonly name: string;
  readonly role: 'hub' | 'spoke';
  readonly counts: AgentCounts;
  readonly peers: readonly (Spoke | Hub)[];
  readonly agents: readonly AgentResource[];
  /** Killswitches that are set, by their scope. */
  readonly latched: readonly string[];
}

/** Agents that are looked at; who has more sees the newest and the counts of all. */
const agentsMax = 200;

export async function takeSnapshot(client: RestClient): Promise<Snapshot> {
  const [{ name, role }, { total }, { agents }, latches] = await Promise.all([
    client.instance(),
    client.agents.counts(),
    client.agents.list({ state: ['spawning', 'running'], limit: agentsMax }),
    client.kill.latches(),
  ]);
  const all = role === 'hub' ? await client.spokes.list() : await client.hubs.list();
  const peers = all.filter(({ state }) => state !== 'closed');
  const latched = latches.map(({ scope }) => scope);
  return { at: new Date().toISOString(), name, role, counts: total, peers, agents, latched };
}
