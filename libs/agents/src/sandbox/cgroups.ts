// Sandbox room: ceilings that the kernel enforces. A cgroup per agent, version 2 where it is delegated, else version 1.
import { access, constants, mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { WritError } from '#protocol';
import type { ResourceLimits } from './sandbox.js';

type Controller = 'memory' | 'pids' | 'cpu';

/** Where groups can be made, by controller; a controller that is not ours to use is absent. */
export interface CgroupTree {
  readonly version: 1 | 2;
  readonly bases: Partial<Record<Controller, string>>;
}

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

/** What the kernel offers to this process, found by looking and by trying to write. */
export async function findCgroups(): Promise<CgroupTree> {
  const mounts = parseMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  const own = parseOwn(await readFile('/proc/self/cgroup', 'utf8'));
  const version2 = await findVersion2(mounts, own);
  return Object.keys(version2.bases).length > 0 ? version2 : findVersion1(mounts, own);
}

export class Cgroups {
  constructor(private readonly tree: CgroupTree) {}

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
    return join(base, `writ-${agentId}`);
  }
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

interface CgroupMount {
  readonly type: string;
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
}

/** proc(5): `36 35 98:0 /root /point options optional… - type source options`. */
function parseMounts(text: string): readonly CgroupMount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , root = '/', point = '/'] = before.split(' ');
    const [type = '', , options = ''] = after.split(' ');
    return type.startsWith('cgroup') ? [{ type, root, point, options: options.split(',') }] : [];
  });
}

/** cgroups(7): `4:memory:/path`; the line of version 2 names no controller. */
function parseOwn(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').map((line) => /^\d+:([^:]*):(.*)$/.exec(line));
  return new Map(
    lines.flatMap((match) => (match?.[1] ?? '').split(',').map((name): [string, string] => [name, match?.[2] ?? '/'])),
  );
}

function ownFolder(mount: CgroupMount, path: string): string {
  const below = relative(mount.root, path);
  return below.startsWith('..') ? mount.point : join(mount.point, below);
}

async function findVersion1(mounts: readonly CgroupMount[], own: ReadonlyMap<string, string>): Promise<CgroupTree> {
  const bases: Partial<Record<Controller, string>> = {};
  for (const controller of Object.values(controllers)) {
    const mount = mounts.find(({ type, options }) => type === 'cgroup' && options.includes(controller));
    const base = mount && ownFolder(mount, own.get(controller) ?? '/');
    if (base && (await isWritable(base))) bases[controller] = base;
  }
  return { version: 1, bases };
}

/** The nearest folder above us that hands its controllers to children and is ours to write: cgroups(7), delegation. */
async function findVersion2(mounts: readonly CgroupMount[], own: ReadonlyMap<string, string>): Promise<CgroupTree> {
  const bases: Partial<Record<Controller, string>> = {};
  const mount = mounts.find(({ type }) => type === 'cgroup2');
  if (!mount) return { version: 2, bases };
  let folder = ownFolder(mount, own.get('') ?? '/');
  for (; folder.startsWith(mount.point); folder = dirname(folder)) {
    const handed = (await readFile(join(folder, 'cgroup.subtree_control'), 'utf8').catch(() => '')).trim().split(' ');
    if (!(await isWritable(folder))) continue;
    for (const controller of Object.values(controllers)) if (handed.includes(controller)) bases[controller] ??= folder;
  }
  return { version: 2, bases };
}

async function isWritable(folder: string): Promise<boolean> {
  return access(join(folder, 'cgroup.procs'), constants.W_OK).then(
    () =>
      access(folder, constants.W_OK).then(
        () => true,
        () => false,
      ),
    () => false,
  );
}
