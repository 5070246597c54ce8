// Sandbox room: whether containers can be made here, tried for real, and what to do if not.
import type Docker from 'dockerode';
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WritError } from '#protocol';
import { removeGroups } from './cgroups.js';
import { containerSettings, containerUser } from './docker-container.js';
import type { Engine, EngineFacts, EngineImage } from './docker-engine.js';
import { answerOf } from './docker-engine.js';
import { ContainerLaunch } from './docker-launch.js';
import type { DockerOptions } from './docker.options.js';
import type { Obstacle } from './process-sandbox.js';
import type { ResourceLimits, SandboxProbe } from './sandbox.js';
import { SharedGroups } from './shared-groups.js';

export interface DockerFindings {
  readonly probe: SandboxProbe;
  readonly image?: EngineImage;
  /** Absent where the containers of an agent cannot be held to limits together. */
  readonly shared?: SharedGroups;
}

/** What a spoke's containers are known by. */
export interface Spoke {
  readonly spokeId: string;
  readonly labels: Readonly<Record<string, string>>;
}

const imageCure =
  'Make one with `node tools/sandbox-image.mjs` or `docker build docker`, and set `sandbox.docker.image` to the id that it prints.';

export async function tryDocker(
  engine: Engine,
  { image: reference, socketPath }: DockerOptions,
  spoke: Spoke,
): Promise<DockerFindings> {
  if (reference === undefined) return not({ reason: 'No image for containers is set.', cure: imageCure });
  try {
    const facts = await engine.facts();
    const image = await engine.image(reference);
    const obstacle = unfit(facts) ?? unusable(image, reference);
    if (obstacle || !image) return not(obstacle);
    const probe = { ok: true, enforceable: enforceable(facts) };
    const groups = await SharedGroups.find(facts, spoke.spokeId);
    const shared = groups && (await tryGroups(engine, image, spoke, groups)) ? groups : undefined;
    const failure = shared ? null : await tryOut(engine, settingsOf(image, spoke));
    return failure ? not(failure) : { probe, image, shared };
  } catch (error) {
    if (!(error instanceof WritError)) throw error;
    return not(unreachable(error, socketPath));
  }
}

function not(obstacle: Obstacle | null): DockerFindings {
  return { probe: { ok: false, ...obstacle, enforceable: [] } };
}

/** The worktree is the host's: no storage driver can hold an agent to a limit on disk there, so that it is watched. */
function enforceable({ MemoryLimit, PidsLimit, CpuCfsQuota }: EngineFacts): (keyof ResourceLimits)[] {
  return [
    ...(MemoryLimit ? (['memoryBytesMax'] as const) : []),
    ...(PidsLimit ? (['pidsMax'] as const) : []),
    ...(CpuCfsQuota ? (['cpuPercentMax'] as const) : []),
    'diskBytesMax',
  ];
}

function unfit({ OSType, SecurityOptions }: EngineFacts): Obstacle | null {
  const options = (SecurityOptions ?? []) as readonly string[];
  const has = (name: string): boolean => options.some((option) => option.includes(`name=${name}`));
  if (OSType !== 'linux')
    return { reason: `The engine makes containers of ${OSType}.`, cure: 'Use an engine on Linux.' };
  if (!has('seccomp'))
    return { reason: 'The engine filters no system calls.', cure: 'Use an engine and a kernel with seccomp.' };
  if (has('rootless') || has('userns'))
    return {
      reason: 'The engine gives users other numbers, so that an agent could not write its worktree.',
      cure: 'Use an engine that is neither rootless nor set to `userns-remap`.',
    };
  return null;
}

function unusable(image: EngineImage | null, reference: string): Obstacle | null {
  if (!image) return { reason: `The engine has no image ${reference}.`, cure: imageCure };
  if (image.volumes.length === 0) return null;
  return {
    reason: `The image has writable volumes (${image.volumes.join(', ')}).`,
    cure: 'Build it without `VOLUME`.',
  };
}

function unreachable(error: WritError, socketPath: string): Obstacle {
  const reason = `The container engine at ${socketPath} cannot be used: ${complaint(error)}.`;
  const answer = answerOf(error);
  if (answer === 'ENOENT' || answer === 'ECONNREFUSED')
    return {
      reason,
      cure: 'Install and start Docker (`apt-get install docker.io`), or set `sandbox.docker.socketPath`.',
    };
  if (answer === 'EACCES')
    return {
      reason,
      cure: 'Let the user of the spoke into the group `docker` (which makes it as good as root), and start the spoke again.',
    };
  return { reason, cure: 'Look at the log of the engine, start it anew, and start the spoke again.' };
}

function complaint(error: WritError): string {
  return error.cause instanceof Error ? error.cause.message.trim() : error.detail;
}

/** Node, git and a shell are what every runtime needs; it ends when it is told to. */
const trial = 'node --version && git --version && bash --version && { read -r end || :; }';
const trialLimits = { memoryBytesMax: 2 ** 29, pidsMax: 100, cpuPercentMax: 1_000 };

function settingsOf(image: EngineImage, { labels }: Spoke, group?: string): Docker.ContainerCreateOptions {
  const spec = { argv: ['sh', '-c', trial] as [string, ...string[]], env: {}, cwd: '/', mounts: [], limits: {} };
  return containerSettings(spec, image, containerUser(), labels, group);
}

/** Whether all that agents need runs in a container, and this below a group of ours. */
async function tryGroups(engine: Engine, image: EngineImage, spoke: Spoke, groups: SharedGroups): Promise<boolean> {
  const name = `probe-${randomUUID()}`;
  let isHeld = false;
  try {
    await groups.make(name, trialLimits);
    const look = (id: string): void => void (isHeld = groups.holds(name, trialLimits, id));
    return (await tryOut(engine, settingsOf(image, spoke, groups.parent(name)), look)) === null && isHeld;
  } catch {
    // Without groups of ours it may work all the same.
    return false;
  } finally {
    await removeGroups(groups.places(name)).catch(() => undefined);
  }
}

async function tryOut(
  engine: Engine,
  settings: Docker.ContainerCreateOptions,
  look: (containerId: string) => void = () => undefined,
): Promise<Obstacle | null> {
  const { signal } = new AbortController();
  const launch = await ContainerLaunch.start(engine, await engine.create(settings), signal, 1_000);
  look(launch.id);
  const running = launch.handOver(signal, []);
  running.stdin.end();
  let said = '';
  const hear = (piece: unknown, _: unknown, done: () => void): void => {
    said = (said + String(piece)).slice(0, 400);
    done();
  };
  running.stdout.resume();
  await pipeline(running.stderr, new Writable({ write: hear }));
  const { code } = await running.end;
  if (code === 0) return null;
  return { reason: `The image does not run what agents need: ${said.trim().split('\n')[0] ?? ''}.`, cure: imageCure };
}
