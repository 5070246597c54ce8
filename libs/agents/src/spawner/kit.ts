// What one run works with: its sandbox, its books, its output, its turns, all under the run's one signal.
import type { CleanupSaga } from '../cleanup/saga.js';
import type { AgentsDeps } from '../deps.js';
import type { EventMint } from '../lifecycle/events.js';
import type { AgentRecord } from '../lifecycle/record.js';
import type { Register } from '../lifecycle/register.js';
import { Outlet } from '../output/outlet.js';
import type { OutputReader } from '../output/reader.js';
import type { Spools } from '../output/spool.js';
import type { Pool } from '../pool/pool.js';
import type { Questions } from '../questions/questions.js';
import type { Reviews } from '../review/reviews.js';
import type { Memories } from '../sessions/memories.js';
import { Session } from '../sessions/session.js';
import type { WarmBackend } from '../sessions/warm-backend.js';
import type { Treasury } from '../spending/treasury.js';
import { Cell } from './cell.js';
import type { Delivery } from './delivery.js';
import { Harvester } from './harvester.js';
import { Meter } from './meter.js';
import { Stop, theSpoke } from './stop.js';
import type { Turnstile } from './turnstile.js';
import { WallClock } from './wall-clock.js';

/** What all runs of a spoke share. */
export interface RunParts {
  readonly deps: AgentsDeps;
  readonly register: Register;
  readonly mint: EventMint;
  readonly treasury: Treasury;
  readonly spools: Spools;
  readonly reader: OutputReader;
  readonly starts: Turnstile;
  readonly ends: Turnstile;
  readonly saga: CleanupSaga;
  readonly questions: Questions;
  readonly memories: Memories;
  readonly delivery: Delivery;
  readonly reviews: Reviews;
  readonly pool: Pool<WarmBackend>;
}

/** The one signal of a run, and the way to give it. The first stop counts. */
export interface Control {
  readonly signal: AbortSignal;
  readonly stop: (stop: Stop) => void;
}

export interface Kit extends Control {
  readonly agent: AgentRecord;
  readonly cell: Cell;
  readonly clock: WallClock;
  readonly meter: Meter;
  readonly outlet: Outlet;
  readonly harvester: Harvester;
  readonly session: Session;
}

export function kitOf(parts: RunParts, agent: AgentRecord, control: Control): Kit {
  const { deps } = parts;
  const sandbox = deps.sandboxes.find((one) => one.level === agent.sandbox.level);
  const cell = new Cell(sandbox, deps.options.stepMs);
  const clock = clockOf(agent, control);
  const meter = new Meter({ ...parts, ...control, agentId: agent.agentId, owner: agent.owner });
  const harvester = new Harvester({ ...parts, ...control, agent });
  const session = sessionOf(parts, agent, { ...control, cell, clock });
  return { ...control, agent, cell, clock, meter, outlet: outletOf(parts, agent), harvester, session };
}

function clockOf({ limits: { wallMs }, busyMs }: AgentRecord, { stop }: Control): WallClock {
  const late = () => stop(new Stop('wall_time', theSpoke, `The agent ran for ${wallMs ?? 0} ms, its limit.`));
  return new WallClock(wallMs, busyMs ?? 0, late);
}

function outletOf(parts: RunParts, { agentId, limits, outputBytes, outputDropped }: AgentRecord): Outlet {
  const { options, log } = parts.deps;
  return new Outlet({
    ...parts,
    agentId,
    log,
    bytesMax: limits.outputBytesMax ?? Number.MAX_SAFE_INTEGER,
    inlineBytesMax: options.outputInlineBytesMax,
    flushMs: options.outputFlushMs,
    wrote: () => parts.reader.wake(agentId),
    from: { bytes: outputBytes, dropped: outputDropped },
  });
}

function sessionOf(parts: RunParts, agent: AgentRecord, rest: Control & { cell: Cell; clock: WallClock }): Session {
  const { now, log, options } = parts.deps;
  const cool = () => rest.cell.cool(agent.agentId, options.graceMs);
  const hold = () => rest.cell.hold(agent.agentId);
  const calm = () => rest.cell.calm(agent.agentId);
  const means = { cool, hold, calm, checkpoints: parts.deps.worktrees.checkpoints };
  return new Session({ ...parts, ...rest, agent, now, log, stepMs: options.stepMs, ...means });
}
