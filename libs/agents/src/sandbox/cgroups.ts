// Sandbox room: ceilings that the kernel enforces. A cgroup per agent, version 2 where it is delegated, else version 1.
import { createHash } from 'node:crypto';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WritError } from '#protocol';
import type { CgroupTree } from './cgroup-trees.js';
import type { ResourceLimits } from './sandbox.js';

/** The processes of the sandbox itself (the outer one and the namespace's first) are not the agent's. */
const ownProcesses = 2;
const cpuPeriodUs = 100_000;
const removeAttempts = 50;

const controllers = { memoryBytesMax: 'memory', pidsMax: 'pids', cpuPercentMax: 'cpu' } as const;
type Enforceable = keyof typeof controllers;

type Settings = readonly (readonly [file: string, value: string, optional?: 'optional'])[];

const settings: Record<1 | 2, Record<Enforceable, (value: number) => Settings>> = {
  1: {
    memoryBytesMax: (bytes) => [
      // Before Linux 5.11 a group counts what is below it only when told to.
      ['memory.use_hierarchy', '1', 'optional'],
      ['memory.limit_in_bytes', String(bytes)],
      ['memory.memsw.limit_in_bytes', String(bytes), 'optional'],
    ],
    pidsMax: (count) => [['pids.max', String(count + ownProcesses)]],
    cpuPercentMax: (percent) => [
      ['cpu.cfs_period_us', String(cpuPeriodUs)],
      ['cpu.cfs_quota_us', String(percent * (cpuPeriodUs / 100))],
    ],
  },
  2: {
    memoryBytesMax: (bytes) => [
      ['memory.max', String(bytes)],
      ['memory.swap.max', '0', 'optional'],
    ],
    pidsMax: (count) => [['pids.max', String(count + ownProcesses)]],
    cpuPercentMax: (percent) => [['cpu.max', `${percent * (cpuPeriodUs / 100)} ${cpuPeriodUs}`]],
  },
};

export class Cgroups {
  /** `spokeId` tells the groups of this spoke from those of another on the same machine. */
  constructor(
    private readonly tree: CgroupTree,
    private readonly spokeId: string,
  ) {}

  get enforceable(): readonly Enforceable[] {
    return enforceableNames.filter((name) => this.tree.bases[controllers[name]] !== undefined);
  }

  /**
   * The folders that an agent with these limits gets; known before they are made, so that they can be recorded first.
   * `tracked`: one at least, where there can be one, because it also tells who belongs to the agent.
   */
  paths(agentId: string, limits: ResourceLimits, tracked: boolean): readonly string[] {
    const folders = asked(limits).map(([name]) => this.#path(agentId, name));
    const tracker = tracked ? this.enforceable.slice(-1).map((name) => this.#path(agentId, name)) : [];
    return [...new Set([...folders, ...tracker])];
  }

  /** @throws WritError `limit_unenforceable` for the first limit that the kernel does not take. */
  async make(agentId: string, limits: ResourceLimits, paths: readonly string[]): Promise<void> {
    for (const path of paths) await mkdir(path, { recursive: true });
    for (const [name, value] of asked(limits)) {
      const path = this.#path(agentId, name);
      await apply(path, settings[this.tree.version][name](value)).catch((cause: unknown) => {
        throw unenforceable(name, cause);
      });
    }
  }

  #path(agentId: string, name: Enforceable): string {
    const base = this.tree.bases[controllers[name]];
    if (base === undefined) throw unenforceable(name);
    return join(base, groupName(this.spokeId, agentId));
  }
}

/** Two spokes may have an agent of the same id: it comes from the owner and the caller's idempotency key. */
export function groupName(spokeId: string, agentId: string): string {
  return `writ-${createHash('sha256').update(spokeId).digest('hex').slice(0, 8)}-${agentId}`;
}

/** Moves a process into its groups; what it starts from then on is born in them. */
export async function enterGroups(paths: readonly string[], pid: number): Promise<void> {
  for (const path of paths) await writeFile(join(path, 'cgroup.procs'), String(pid));
}

/** The processes that are in any of the groups, by pid. */
export async function groupMembers(paths: readonly string[]): Promise<readonly number[]> {
  const lists = await Promise.all(paths.map((path) => readFile(join(path, 'cgroup.procs'), 'utf8').catch(() => '')));
  return [...new Set(lists.flatMap((list) => list.split('\n').filter(Boolean).map(Number)))];
}

/** A group that has just lost its last process stays busy for a moment: it is tried again. */
export async function removeGroups(paths: readonly string[]): Promise<void> {
  for (const path of paths) await removeGroup(path);
}

async function removeGroup(path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await rmdir(path);
      return;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || attempt === removeAttempts) throw error;
      await sleep(20);
    }
  }
}

async function apply(path: string, values: Settings): Promise<void> {
  for (const [file, value, optional] of values) {
    const written = writeFile(join(path, file), value);
    await (optional ? written.catch(() => undefined) : written);
  }
}

const enforceableNames = Object.keys(controllers) as Enforceable[];

function asked(limits: ResourceLimits): [Enforceable, number][] {
  return enforceableNames.flatMap((name) => {
    const value = limits[name];
    return value === undefined ? [] : [[name, value] satisfies [Enforceable, number]];
  });
}

function unenforceable(name: string, cause?: unknown): WritError {
  const detail = `\`${name}\` needs a writable cgroup controller \`${controllers[name as Enforceable]}\` on the spoke.`;
  return new WritError('limit_unenforceable', detail, { field: `options.limits.${name}`, cause });
}
