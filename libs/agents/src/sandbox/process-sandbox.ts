// Sandbox room: what every level made of processes has in common. A level says how its command looks and what lives of a launch.
import { randomUUID } from 'node:crypto';
import { WritError } from '#protocol';
import { calmOf, type Calm } from './calm.js';
import type { Cgroups } from './cgroups.js';
import { groupMembers, removeGroups } from './cgroups.js';
import type { Command } from './gate.js';
import type { Launch, Ledger } from './ledger.js';
import { checkSpec, enforcedLimits } from './check.js';
import { underDiskLimit } from './disk-watch.js';
import type { ProcessId } from './process.js';
import { identify } from './process.js';
import type { Living } from './reaper.js';
import { count, end } from './reaper.js';
import { RunningLaunch } from './running-launch.js';
import type { LaunchSpec, SandboxProbe, SandboxProcess } from './sandbox.js';
import { Sandbox } from './sandbox.js';
import { Starts } from './starts.js';
import type { Hold } from './stillness.js';
import { holdStill } from './stillness.js';

/** Why a level does not work on this machine, and what to do about it. */
export interface Obstacle {
  readonly reason: string;
  readonly cure: string;
}

export abstract class ProcessSandbox extends Sandbox {
  readonly #starts = new Starts();
  #probe?: Promise<SandboxProbe>;

  constructor(
    private readonly ledger: Ledger,
    private readonly cgroups: Cgroups,
  ) {
    super();
  }

  /** Words for `SandboxProcess.enforced` beside the limits. */
  protected abstract readonly walls: readonly string[];

  /** Whether a cgroup is wanted even without a limit, to find who belongs to the agent. */
  protected readonly grouped: boolean = false;

  /** Whether nothing of the agent can be where a look does not find it. */
  protected readonly isWalled: boolean = true;

  protected abstract obstacle(): Promise<Obstacle | null>;

  /** How the sandbox is started around the spec's own program. */
  protected abstract command(spec: LaunchSpec, launchId: string): Promise<Command>;

  /** The first process of the namespace, from what the command announced; null where there is none. */
  protected abstract init(outer: ProcessId, announcement: string): ProcessId | null;

  protected abstract living(launch: Launch): Living;

  override probe(): Promise<SandboxProbe> {
    this.#probe ??= this.obstacle().then((obstacle) => ({
      ok: obstacle === null,
      ...obstacle,
      enforceable: [...this.cgroups.enforceable, 'diskBytesMax'],
    }));
    return this.#probe;
  }

  override async launch(spec: LaunchSpec, signal: AbortSignal): Promise<SandboxProcess> {
    signal.throwIfAborted();
    await checkSpec(spec, await this.probe());
    return this.#starts.run(spec.agentId, signal, async (called) => {
      if (await this.ledger.isStopped(spec.agentId)) throw stopped();
      return underDiskLimit(
        spec,
        signal,
        () => this.#pids(spec.agentId),
        (ends) => this.#start(spec, ends, called),
      );
    });
  }

  override async stop(agentId: string, graceMs: number): Promise<number> {
    await this.ledger.markStopped(agentId);
    await this.#starts.callOff(agentId, stopped());
    return end(() => this.#look(agentId), graceMs);
  }

  override async survivors(agentId: string): Promise<number> {
    return count(await this.#look(agentId));
  }

  override hold(agentId: string): Promise<Hold | null> {
    return holdStill(() => this.#look(agentId));
  }

  override async calm(agentId: string): Promise<Calm | null> {
    return this.isWalled ? calmOf(() => this.#look(agentId)) : null;
  }

  override known(): Promise<readonly string[]> {
    return this.ledger.agents();
  }

  override async remove(agentId: string): Promise<void> {
    if ((await this.survivors(agentId)) > 0)
      throw new WritError('invalid_transition', 'The agent still has processes: stop it first.');
    await removeGroups(await this.ledger.groups(agentId));
    await this.ledger.remove(agentId);
  }

  async #start(spec: LaunchSpec, signal: AbortSignal, called: AbortSignal): Promise<SandboxProcess> {
    const { agentId, limits } = spec;
    const groups = this.cgroups.paths(agentId, limits, this.grouped);
    if (groups.length > 0) await this.ledger.recordGroups(agentId, groups);
    await this.cgroups.make(agentId, limits, groups);
    const launch = new RunningLaunch(randomUUID(), agentId, this.ledger, (record) => this.living(record));
    const command = withFileLimit(await this.command(spec, launch.id), limits.diskBytesMax);
    await launch.start(command, groups, called, (...said) => this.init(...said));
    return launch.handOver(signal, [...this.walls, ...enforcedLimits(limits)]);
  }

  async #pids(agentId: string): Promise<readonly number[]> {
    const { inside, holders } = await this.#look(agentId);
    return [...inside, ...holders].map(({ pid }) => pid);
  }

  /** Looks at the machine: what lives of each recorded launch, and whoever else is in the agent's groups. */
  async #look(agentId: string): Promise<Living> {
    const launches = (await this.ledger.launches(agentId)).map((launch) => this.living(launch));
    const holders = launches.flatMap((living) => living.holders);
    const grouped = (await groupMembers(await this.ledger.groups(agentId))).map(identify).filter((id) => id !== null);
    const inside = new Map([...launches.flatMap((living) => living.inside), ...grouped].map((id) => [id.pid, id]));
    for (const { pid } of holders) inside.delete(pid);
    return { holders, inside: [...inside.values()] };
  }
}

/** `ulimit` counts in blocks of 512 bytes. No program inside can raise what the shell has set before it. */
function withFileLimit(command: Command, bytesMax: number | undefined): Command {
  if (bytesMax === undefined) return command;
  const script = `ulimit -f ${Math.ceil(bytesMax / 512)} && exec "$@"`;
  return { ...command, argv: ['/bin/sh', '-c', script, 'sh', ...command.argv] };
}

function stopped(): WritError {
  return new WritError('killed', 'The agent was stopped before this launch was through.');
}
