// Sandbox room: the level `docker`, a container for each launch. The engine is the record: a container carries the spoke's and the
// agent's id as labels, so that another life of the spoke finds it; the ledger says whether the engine was ever used for an agent.
import type Docker from 'dockerode';
import { agentId as agentIdSchema, WritError } from '#protocol';
import { removeGroups } from './cgroups.js';
import type { Calm } from './calm.js';
import { checkSpec, enforcedLimits } from './check.js';
import { underDiskLimit } from './disk-watch.js';
import { containerSettings, containerUser, containerWalls, giveAway } from './docker-container.js';
import type { ContainerState } from './docker-engine.js';
import { answerOf, Engine } from './docker-engine.js';
import { ContainerLaunch } from './docker-launch.js';
import type { DockerOptions } from './docker.options.js';
import { tryDocker } from './docker-probe.js';
import type { DockerFindings } from './docker-probe.js';
import type { Ledger } from './ledger.js';
import { killMsMax, until } from './reaper.js';
import type { LaunchSpec, ResourceLimits, SandboxProbe, SandboxProcess } from './sandbox.js';
import { Sandbox } from './sandbox.js';
import { SharedGroups } from './shared-groups.js';
import { Starts } from './starts.js';
import type { Hold } from './stillness.js';

const spokeLabel = 'org.writ.spoke';
const agentLabel = 'org.writ.agent';
const alive = ['running', 'paused', 'restarting'];

export class DockerSandbox extends Sandbox {
  override readonly level = 'docker';
  readonly #starts = new Starts();
  readonly #running = new Map<string, ContainerLaunch>();
  readonly #limited = new Set<string>();
  readonly #engine: Engine;
  #findings?: Promise<DockerFindings>;

  /** `spokeId` tells the containers of this spoke from those of others on the same engine. */
  constructor(
    private readonly ledger: Ledger,
    private readonly spokeId: string,
    private readonly options: DockerOptions,
  ) {
    super();
    this.#engine = new Engine(options);
  }

  override async probe(): Promise<SandboxProbe> {
    return (await this.#found()).probe;
  }

  override async launch(spec: LaunchSpec, signal: AbortSignal): Promise<SandboxProcess> {
    signal.throwIfAborted();
    const { probe } = await this.#found();
    await checkSpec(spec, probe);
    return this.#starts.run(spec.agentId, signal, async (called) => {
      if (await this.ledger.isStopped(spec.agentId)) throw stopped();
      const start = (ends: AbortSignal) => this.#alone(spec, () => this.#start(spec, ends, called));
      return underDiskLimit(spec, signal, () => this.#pids(spec.agentId), start);
    });
  }

  override async stop(agentId: string, graceMs: number): Promise<number> {
    await this.ledger.markStopped(agentId);
    await this.#starts.callOff(agentId, stopped());
    if (graceMs > 0) await this.#ask(agentId, graceMs);
    let left = 0;
    await until(killMsMax, async () => {
      const containers = await this.#containers(agentId);
      await this.#wake(containers);
      await Promise.all(containers.map((container) => this.#force(container)));
      left = await this.survivors(agentId);
      return left === 0;
    });
    return left;
  }

  override async survivors(agentId: string): Promise<number> {
    return (await this.#pids(agentId)).length;
  }

  override async hold(agentId: string): Promise<Hold | null> {
    const living = (await this.#containers(agentId)).filter(isAlive);
    const release = async (): Promise<void> => {
      await Promise.all(living.map(({ id }) => this.#engine.unpause(id)));
    };
    const isStill = async (): Promise<boolean> => {
      const now = (await this.#containers(agentId)).filter(isAlive);
      return now.every(({ id, state }) => state === 'paused' && living.some((one) => one.id === id));
    };
    const paused = await Promise.allSettled(living.map(({ id }) => this.#engine.pause(id)));
    if (paused.every(({ status }) => status === 'fulfilled') && (await isStill())) return { isStill, release };
    await release();
    return null;
  }

  /** The engine's processes may be on another machine, or in another view of them than ours. */
  override calm(): Promise<Calm | null> {
    return Promise.resolve(null);
  }

  /** Also agents of which only the engine still knows; the ledger takes them up. Without an answer of the engine, the ledger's. */
  override async known(): Promise<readonly string[]> {
    if (this.options.image !== undefined) {
      const containers = await this.#engine.list([`${spokeLabel}=${this.spokeId}`]).catch(() => []);
      const agents = containers.map(({ labels }) => labels[agentLabel]);
      const named = agents.filter((agentId) => agentIdSchema.safeParse(agentId).success);
      for (const agentId of new Set(named)) await this.#takeUp(agentId ?? '');
    }
    return this.ledger.agents();
  }

  override async remove(agentId: string): Promise<void> {
    if ((await this.survivors(agentId)) > 0)
      throw new WritError('invalid_transition', 'The agent still has processes: stop it first.');
    const containers = await this.#containers(agentId);
    await Promise.all(containers.map(({ id }) => this.#engine.remove(id)));
    await removeGroups(await this.ledger.groups(agentId));
    await this.ledger.remove(agentId);
  }

  async #takeUp(agentId: string): Promise<void> {
    await this.ledger.recordEngine(agentId, this.spokeId);
    await this.ledger.recordGroups(agentId, await SharedGroups.everywhere(this.spokeId, agentId));
  }

  #found(): Promise<DockerFindings> {
    const { spokeId } = this;
    this.#findings ??= tryDocker(this.#engine, this.options, { spokeId, labels: { [spokeLabel]: spokeId } });
    return this.#findings;
  }

  async #start(spec: LaunchSpec, signal: AbortSignal, called: AbortSignal): Promise<SandboxProcess> {
    const { image } = await this.#found();
    if (!image) throw new WritError('sandbox_unavailable', 'There is no image for containers.');
    const user = containerUser();
    const isFirst = (await this.ledger.engine(spec.agentId)) === null;
    await this.ledger.recordEngine(spec.agentId, this.spokeId);
    const group = await this.#group(spec);
    await giveAway(spec.mounts, user);
    called.throwIfAborted();
    const labels = { [spokeLabel]: this.spokeId, [agentLabel]: spec.agentId };
    const settings = containerSettings(spec, image, user, labels, group);
    const id = await this.#create(spec.agentId, settings, isFirst);
    const launch = await ContainerLaunch.start(this.#engine, id, called, this.options.callMs);
    return this.#kept(launch, launch.handOver(signal, [...containerWalls, ...enforcedLimits(spec.limits)]));
  }

  /** An engine that never heard of an agent has nothing of it: its end need not wait until the engine is back. */
  async #create(agentId: string, settings: Docker.ContainerCreateOptions, isFirst: boolean): Promise<string> {
    const id = await this.#engine.create(settings).catch(async (error: unknown) => {
      if (isFirst && isUnheard(error)) await this.ledger.forgetEngine(agentId);
      throw error;
    });
    // Another launch may have forgotten it meanwhile.
    await this.ledger.recordEngine(agentId, this.spokeId);
    return id;
  }

  /** Made, and recorded before that, for an agent with limits. */
  async #group({ agentId, limits }: LaunchSpec): Promise<string | undefined> {
    const { shared } = await this.#found();
    if (!shared || !isLimited(limits)) return undefined;
    await this.ledger.recordGroups(agentId, shared.places(agentId));
    await shared.make(agentId, limits);
    return shared.parent(agentId);
  }

  #kept(launch: ContainerLaunch, running: SandboxProcess): SandboxProcess {
    this.#running.set(launch.id, launch);
    void running.end.then(() => this.#running.delete(launch.id));
    return running;
  }

  /** Where containers share no limit: while one with limits lives, its agent gets no second, or the sum would be above what was allowed. */
  async #alone(spec: LaunchSpec, start: () => Promise<SandboxProcess>): Promise<SandboxProcess> {
    const { agentId, limits } = spec;
    if (!isLimited(limits) || (await this.#found()).shared) return start();
    if (this.#limited.has(agentId)) throw notShared();
    this.#limited.add(agentId);
    const free = (): void => void this.#limited.delete(agentId);
    const running = await start().catch((error: unknown) => {
      free();
      throw error;
    });
    void running.end.then(free);
    return running;
  }

  /** An engine that was never used for an agent is not asked: it need not even be there. */
  async #containers(agentId: string): Promise<readonly ContainerState[]> {
    const spokeId = await this.ledger.engine(agentId);
    return spokeId === null ? [] : this.#engine.list([`${spokeLabel}=${spokeId}`, `${agentLabel}=${agentId}`]);
  }

  async #pids(agentId: string): Promise<readonly number[]> {
    const containers = (await this.#containers(agentId)).filter(isAlive);
    return (await Promise.all(containers.map(({ id }) => this.#engine.processes(id)))).flat();
  }

  /** SIGTERM to every process, and time to heed it. */
  async #ask(agentId: string, graceMs: number): Promise<void> {
    const containers = (await this.#containers(agentId)).filter(isAlive);
    if (containers.length === 0) return;
    await this.#wake(containers);
    await Promise.all(containers.map(({ id }) => this.#engine.terminate(id).catch(() => undefined)));
    await until(graceMs, async () => !(await this.#containers(agentId)).some(isAlive));
  }

  /** What a spoke that died held still hears nothing. */
  async #wake(containers: readonly ContainerState[]): Promise<void> {
    const paused = containers.filter(({ state }) => state === 'paused');
    await Promise.all(paused.map(({ id }) => this.#engine.unpause(id).catch(() => undefined)));
  }

  /** One that runs is killed and left to whoever carries its output; one that was never started never will be. */
  #force({ id, state }: ContainerState): Promise<void> {
    if (state === 'created') return this.#engine.remove(id);
    if (!alive.includes(state)) return Promise.resolve();
    return this.#running.get(id)?.kill() ?? this.#engine.kill(id);
  }
}

/** By groups: what is watched needs none. */
function isLimited({ memoryBytesMax, pidsMax, cpuPercentMax }: ResourceLimits): boolean {
  return [memoryBytesMax, pidsMax, cpuPercentMax].some((limit) => limit !== undefined);
}

function isAlive({ state }: ContainerState): boolean {
  return alive.includes(state);
}

/** There was nobody to connect to. */
function isUnheard(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED'].includes(String(answerOf(error)));
}

function stopped(): WritError {
  return new WritError('killed', 'The agent was stopped before this launch was through.');
}

function notShared(): WritError {
  return new WritError(
    'limit_unenforceable',
    'Another program of this agent runs, and its containers cannot be held to limits together on this engine.',
  );
}
