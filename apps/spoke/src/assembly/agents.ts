// The agents of this machine: sandboxes, worktrees, runtimes and their limits, as the configuration wants them.
import { join } from 'node:path';
import {
  ConfiguredResolver,
  createAgents,
  GitWorktrees,
  openSandboxes,
  type AgentsObserver,
  type Allowance,
  type LocalAgents,
  type Sandboxes,
} from '#agents';
import { AddressPolicy } from '#federation';
import { dialBy } from '../agents/dial.js';
import { local } from '../agents/gateway.js';
import { modelKey, variable, type SpokeConfig } from '../config.js';
import type { GrantsService } from '../grants/grants.service.js';
import type { Ground } from './ground.js';

export interface AgentsOfSpoke {
  readonly sandboxes: Sandboxes;
  readonly agents: LocalAgents;
}

/** Recovery is done when this resolves. */
export async function openAgents(ground: Ground, observer?: AgentsObserver): Promise<AgentsOfSpoke> {
  const { config, store, log, identity, replicas, grants } = ground;
  const place = { stateDir: join(config.stateDir, 'sandboxes'), spokeId: identity.id };
  const sandboxes = await openSandboxes({ ...place, ...config.sandbox });
  const agents = await createAgents({
    ...{ store, log, observer, sourceId: identity.id, process: replicas.id, sandboxes: sandboxes.all },
    ...{ worktrees: worktreesOf(config, sandboxes), resolver: new ConfiguredResolver(config, modelKey) },
    ...{ options: optionsOf(config), budget: config.budget, review: config.review },
    allowance: (owner) => allowanceOf(grants, owner),
    dial: dialBy(new AddressPolicy(config.egress.networks)),
  });
  return { sandboxes, agents };
}

function worktreesOf(config: SpokeConfig, sandboxes: Sandboxes): GitWorktrees {
  const { allowFile, fetchMs, bytesMax, readyMax, readyFilesMin } = config.repositories;
  const inUse = async (agentId: string) => {
    const counts = await Promise.all(sandboxes.all.map((sandbox) => sandbox.survivors(agentId)));
    return counts.some((count) => count > 0);
  };
  return new GitWorktrees({
    ...{ root: join(config.stateDir, 'worktrees'), allowFile, inUse, checkpoints: config.checkpoints },
    ...{ fetchTimeMsMax: fetchMs, fetchBytesMax: bytesMax, ready: { max: readyMax, filesMin: readyFilesMin } },
    ...{ remotes: config.remotes, variable },
  });
}

function optionsOf({ agents, egress, gc, pool, stateDir }: SpokeConfig) {
  return { ...agents, egress: egress.hosts, gc, pool, stateDir: join(stateDir, 'agents') };
}

/** The limits of a hub beside those of each agent, as its grant stands at this moment; the spoke's own people have none. */
async function allowanceOf(grants: GrantsService, owner: string): Promise<Allowance | undefined> {
  if (owner === local) return undefined;
  const grant = (grants.known(owner) ?? (await grants.find(owner)))?.grant;
  return { ...grant, egress: grant?.egress ?? [] };
}
