// Sandbox room: whether containers can be made here, tried for real, and what to do if not.
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { WritError } from '#protocol';
import { containerSettings, containerUser } from './docker-container.js';
import type { Engine, EngineFacts, EngineImage } from './docker-engine.js';
import { answerOf } from './docker-engine.js';
import { ContainerLaunch } from './docker-launch.js';
import type { DockerOptions } from './docker.options.js';
import type { Obstacle } from './process-sandbox.js';
import type { ResourceLimits, SandboxProbe } from './sandbox.js';

export interface DockerFindings {
  readonly probe: SandboxProbe;
  readonly image?: EngineImage;
}

const imageCure =
  'Make one with `node tools/sandbox-image.mjs` or `docker build docker`, and set `sandbox.docker.image` to the id that it prints.';

export async function tryDocker(
  engine: Engine,
  { image: reference, socketPath }: DockerOptions,
  labels: Readonly<Record<string, string>>,
): Promise<DockerFindings> {
  if (reference === undefined) return not({ reason: 'No image for containers is set.', cure: imageCure });
  try {
    const facts = await engine.facts();
    const image = await engine.image(reference);
    const obstacle = unfit(facts) ?? unusable(image, reference) ?? (image && (await tryOut(engine, image, labels)));
    return obstacle || !image ? not(obstacle) : { probe: { ok: true, enforceable: enforceable(facts) }, image };
  } catch (error) {
    if (!(error instanceof WritError)) throw error;
    return not(unreachable(error, socketPath));
  }
}

function not(obstacle: Obstacle | null): DockerFindings {
  return { probe: { ok: false, ...obstacle, enforceable: [] } };
}

/** The worktree is the host's: no storage driver can hold an agent to a limit on disk there. */
function enforceable({ MemoryLimit, PidsLimit, CpuCfsQuota }: EngineFacts): (keyof ResourceLimits)[] {
  return [
    ...(MemoryLimit ? (['memoryBytesMax'] as const) : []),
    ...(PidsLimit ? (['pidsMax'] as const) : []),
    ...(CpuCfsQuota ? (['cpuPercentMax'] as const) : []),
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

/** Node, git and a shell are what every runtime needs. */
async function tryOut(
  engine: Engine,
  image: EngineImage,
  labels: Readonly<Record<string, string>>,
): Promise<Obstacle | null> {
  const argv = ['sh', '-c', 'node --version && git --version && bash --version'] as [string, ...string[]];
  const spec = { argv, env: {}, cwd: '/', mounts: [], limits: {} };
  const settings = containerSettings(spec, image, containerUser(), labels);
  const { signal } = new AbortController();
  const running = (await ContainerLaunch.start(engine, settings, signal, 1_000)).handOver(signal, []);
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
