// What the runtime of one run may use of this machine: every effect of an agent goes through here.
import { join } from 'node:path';
import type { AgentsDeps } from '../deps.js';
import type { AgentRecord } from '../lifecycle/record.js';
import { AgentModel, modelFolder, type AccessParts } from '../model/access.js';
import type { Outlet } from '../output/outlet.js';
import type { Resolved } from '../profiles/resolver.js';
import type { RuntimeHost } from '../runtimes/runtime.js';
import type { Mount, ResourceLimits, SandboxProcess } from '../sandbox/sandbox.js';
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
  readonly signal: AbortSignal;
  readonly stop: (stop: Stop) => void;
  readonly worktree: Worktree;
  readonly resolved: Resolved;
  /** Told after every launch what is enforced on it. */
  readonly launched: (enforced: readonly string[]) => Promise<void>;
}

type Argv = readonly [string, ...string[]];
type Env = Readonly<Record<string, string>>;

/** `gate` is a launch that its signal ends alone. */
interface RunHost extends RuntimeHost {
  readonly model: AgentModel;
  readonly gate: (argv: Argv, env: Env, signal: AbortSignal) => Promise<SandboxProcess>;
}

export function hostOf(parts: HostParts): RunHost {
  const { agent, cell, meter, outlet, signal, stop, worktree, resolved, launched } = parts;
  const work = { from: worktree.path, to: '/work', writable: resolved.profile.writes };
  const limits = resourceLimits(agent.limits);
  const spec: CellSpec = { agentId: agent.agentId, cwd: '/work', mounts: [work, ...resolved.mounts], limits };
  const launch = async (argv: Argv, env?: Env, more: readonly Mount[] = [], own?: AbortSignal) => {
    signal.throwIfAborted();
    const process = await cell.launch({ ...spec, mounts: [...spec.mounts, ...more] }, argv, env, own);
    void process.end.then(({ limit }) => limit && stop(outgrown(limits)));
    await launched(process.enforced);
    return process;
  };
  return {
    signal,
    launch: (argv, env) => launch(argv, env),
    gate: (argv, env, own) => launch(argv, env, [], own),
    model: modelOf(parts, launch),
    output: (text) => outlet.append(text),
    admitTurn: async () => {
      signal.throwIfAborted();
      await meter.admitTurn();
    },
    record: (delta) => meter.record(delta),
  };
}

function outgrown({ diskBytesMax = 0 }: ResourceLimits): Stop {
  return new Stop('disk', theSpoke, `The agent took more of the disk than ${diskBytesMax} bytes, its limit.`);
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
