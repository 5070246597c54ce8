// What the runtime of one run may use of this machine: every effect of an agent goes through here.
import { join } from 'node:path';
import { traced } from '#tracing';
import type { AgentsDeps } from '../deps.js';
import { hasSession, type AgentRecord } from '../lifecycle/record.js';
import { AgentModel, modelFolder, type AccessParts } from '../model/access.js';
import { AgentEgress } from '../egress/egress.js';
import type { Outlet } from '../output/outlet.js';
import type { Questions } from '../questions/questions.js';
import type { Resolved } from '../profiles/resolver.js';
import { homeFolder, workFolder } from '../runtimes/inside.js';
import type { RuntimeHost } from '../runtimes/runtime.js';
import type { Mount, ResourceLimits, SandboxProcess } from '../sandbox/sandbox.js';
import type { Memories } from '../sessions/memories.js';
import type { Worktree } from '../worktrees/worktrees.js';
import type { Cell, CellSpec } from './cell.js';
import type { Meter } from './meter.js';
import { resourceLimits } from './plan.js';
import { Stop, theSpoke } from './stop.js';

export interface HostParts {
  readonly deps: AgentsDeps;
  readonly agent: AgentRecord;
  readonly cell: Cell;
  readonly meter: Meter;
  readonly outlet: Outlet;
  readonly questions: Questions;
  readonly memories: Memories;
  readonly signal: AbortSignal;
  readonly stop: (stop: Stop) => void;
  readonly worktree: Worktree;
  readonly resolved: Resolved;
  /** Told after every launch what is enforced on it. */
  readonly launched: (enforced: readonly string[]) => Promise<void>;
}

type Argv = readonly [string, ...string[]];
type Env = Readonly<Record<string, string>>;

/** `gate` is a launch that has nothing of the agent's own but the worktree. */
interface RunHost extends RuntimeHost {
  readonly model: AgentModel;
  readonly egress: AgentEgress;
  readonly gate: (argv: Argv, env: Env, signal: AbortSignal) => Promise<SandboxProcess>;
}

export function hostOf(parts: HostParts): RunHost {
  const { agent, cell, meter, outlet, questions, signal, stop, worktree, resolved, launched } = parts;
  const work = { from: worktree.path, to: workFolder, writable: resolved.profile.writes };
  const limits = resourceLimits(agent.limits);
  const spec: CellSpec = { agentId: agent.agentId, cwd: workFolder, mounts: [work, ...resolved.mounts], limits };
  const egress = new AgentEgress(parts.deps, agent);
  const launch = async (argv: Argv, env: Env = {}, more: readonly Mount[] = [], own?: AbortSignal) => {
    signal.throwIfAborted();
    const led = await egress.led({ argv, env, mounts: [...spec.mounts, ...more] });
    const inside = { ...spec, mounts: once(led.mounts) };
    const process = await traced('launch in sandbox', levelOf(agent), () =>
      cell.launch(inside, led.argv, led.env, own),
    );
    void process.end.then(({ limit }) => limit && stop(outgrown(limits)));
    await launched(process.enforced);
    return process;
  };
  const atHome: AccessParts['launch'] = async (argv, env, more, own) =>
    launch(argv, env, [...(await homeOf(parts)), ...more], own);
  return {
    signal,
    work: agent.sandbox.level === 'none' ? worktree.path : workFolder,
    launch: (argv, env = {}, own) => atHome(argv, env, [], own),
    gate: (argv, env, own) => launch(argv, env, [], own),
    model: modelOf(parts, atHome),
    egress,
    output: (text) => outlet.append(text),
    permission: (wish, over) =>
      questions.ask(agent.agentId, { ...wish, kind: 'permission' }, AbortSignal.any([signal, over])),
    admitTurn: async () => {
      signal.throwIfAborted();
      await meter.admitTurn();
    },
    record: (delta) => meter.record(delta),
  };
}

const levelOf = ({ sandbox }: AgentRecord) => ({ attributes: { 'writ.sandbox': sandbox.level } });

/** Two ways out have one forwarder. */
function once(mounts: readonly Mount[]): readonly Mount[] {
  return [...new Map(mounts.map((mount) => [mount.to, mount])).values()];
}

function outgrown({ diskBytesMax = 0 }: ResourceLimits): Stop {
  return new Stop('disk', theSpoke, `The agent took more of the disk than ${diskBytesMax} bytes, its limit.`);
}

/** Kept for a session whose runtime needs it; else the home of each launch is its own. */
async function homeOf({ agent, memories, resolved }: HostParts): Promise<readonly Mount[]> {
  if (!resolved.runtime.keepsHome || !hasSession(agent)) return [];
  return [{ from: await memories.home(agent.agentId), to: homeFolder, writable: true }];
}

/** A task that names a model uses that one; else any that its grant names. */
function modelOf({ deps, agent, meter, signal }: HostParts, launch: AccessParts['launch']): AgentModel {
  const { agentId, owner, options } = agent;
  const allows = async (model: string) => {
    if (options.model !== undefined) return model === options.model;
    return (await deps.allowance(owner))?.models?.includes(model) ?? true;
  };
  const folder = join(deps.options.stateDir, modelFolder, agentId);
  return new AgentModel({ folder, purse: meter, allows, signal, launch });
}
