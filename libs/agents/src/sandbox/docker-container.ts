// Sandbox room: how a container is made around an agent's program. One place says what it may and what it may not.
import type Docker from 'dockerode';
import { stat } from 'node:fs/promises';
import { runProcess } from '../processes/run.js';
import type { EngineImage } from './docker-engine.js';
import { agentHome, agentUid, defaultEnvironment, scratchBytesMax } from './root.js';
import type { LaunchSpec, Mount, ResourceLimits } from './sandbox.js';

/** Words for `SandboxProcess.enforced` beside the limits. */
export const containerWalls = ['pid-namespace', 'mount-namespace', 'network', 'capabilities', 'system-calls'] as const;

/** The first process only starts the program and reaps: it cannot be signalled from inside, and its end is the end of all. */
const firstProcess = ['/bin/sh', '-c', 'env "$@"; exit $?', 'sh'];
/** The first process, and the one that asks all others to end, are not the agent's. */
const ownProcesses = 2;
const cpuPeriodUs = 100_000;
const scratchFolders = ['/tmp', '/var/tmp', agentHome];

export interface ContainerUser {
  readonly uid: number;
  readonly gid: number;
}

/** Never root. A spoke of an ordinary user shares its number, so that the worktree stays its own. */
export function containerUser(): ContainerUser {
  const [uid, gid] = [process.getuid?.() ?? agentUid, process.getgid?.() ?? agentUid];
  return uid === 0 ? { uid: agentUid, gid: agentUid } : { uid, gid };
}

/**
 * A spoke that is root gives what can be written to the user inside, before the agent has begun: files only, never what a link points to.
 * The top folder changes last, so that half a walk is done again.
 */
export async function giveAway(mounts: readonly Mount[], { uid, gid }: ContainerUser): Promise<void> {
  if (process.getuid?.() !== 0) return;
  for (const { from, writable } of mounts) {
    if (!writable || (await stat(from)).uid === uid) continue;
    await runProcess(['chown', '--recursive', '--no-dereference', '-P', '--', `${uid}:${gid}`, from]);
  }
}

/** `group`: the cgroup that it is made below; absent, one of the engine's. */
export function containerSettings(
  spec: Omit<LaunchSpec, 'agentId'>,
  image: EngineImage,
  user: ContainerUser,
  labels: Readonly<Record<string, string>>,
  group?: string,
): Docker.ContainerCreateOptions {
  return {
    Image: image.id,
    Labels: { ...labels },
    Entrypoint: firstProcess,
    Cmd: [...spec.argv],
    Env: environment(spec.env, image),
    WorkingDir: spec.cwd,
    User: `${user.uid}:${user.gid}`,
    Hostname: 'writ',
    ...{ Tty: false, OpenStdin: true, StdinOnce: true, AttachStdin: true, AttachStdout: true, AttachStderr: true },
    HostConfig: {
      ...walls,
      ...limitSettings(spec.limits),
      ...(group !== undefined && { CgroupParent: group }),
      Mounts: spec.mounts.map(bind),
      Tmpfs: scratch(user),
    },
  };
}

/** No `seccomp` here: the engine's default profile applies. */
const walls: Docker.HostConfig & { readonly CgroupnsMode: 'private' } = {
  NetworkMode: 'none',
  ReadonlyRootfs: true,
  CapDrop: ['ALL'],
  SecurityOpt: ['no-new-privileges'],
  Privileged: false,
  IpcMode: 'private',
  CgroupnsMode: 'private',
  ShmSize: scratchBytesMax,
  // Output is carried by us; a log of the engine's would fill its disk.
  LogConfig: { Type: 'none', Config: {} },
  RestartPolicy: { Name: 'no' },
};

function limitSettings(limits: ResourceLimits): Docker.HostConfig {
  const { memoryBytesMax, pidsMax, cpuPercentMax, diskBytesMax } = limits;
  return {
    ...(diskBytesMax !== undefined && { Ulimits: [{ Name: 'fsize', Soft: diskBytesMax, Hard: diskBytesMax }] }),
    ...(memoryBytesMax !== undefined && { Memory: memoryBytesMax, MemorySwap: memoryBytesMax }),
    ...(pidsMax !== undefined && { PidsLimit: pidsMax + ownProcesses }),
    ...(cpuPercentMax !== undefined && { CpuPeriod: cpuPeriodUs, CpuQuota: cpuPercentMax * (cpuPeriodUs / 100) }),
  };
}

/** What is mounted below the folder stays out, and so does what is mounted there later. */
function bind({ from, to, writable }: Mount): Docker.MountSettings {
  const BindOptions = { Propagation: 'rprivate' as const, NonRecursive: true };
  return { Type: 'bind', Source: from, Target: to, ReadOnly: !writable, BindOptions };
}

function scratch({ uid, gid }: ContainerUser): Record<string, string> {
  const options = `rw,exec,nosuid,nodev,mode=700,uid=${uid},gid=${gid},size=${scratchBytesMax}`;
  return Object.fromEntries(scratchFolders.map((folder) => [folder, options]));
}

/** A name without a value takes the image's own variable away: nothing is inherited. */
function environment(env: Readonly<Record<string, string>>, image: EngineImage): string[] {
  const own = { ...defaultEnvironment, ...env };
  const foreign = image.environment.filter((name) => !(name in own));
  return [...foreign, ...Object.entries(own).map(([name, value]) => `${name}=${value}`)];
}
