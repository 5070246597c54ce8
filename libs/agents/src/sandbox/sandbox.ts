// The Sandbox port: one verb, launch an argv with pipes under a signal; and the look that proves nothing is left.
import type { Readable, Writable } from 'node:stream';
import type { SandboxLevel } from '#protocol';
import type { Calm } from './calm.js';
import type { Hold } from './stillness.js';

/** A host path shown inside, read-only unless `writable`. */
export interface Mount {
  readonly from: string;
  readonly to: string;
  readonly writable?: boolean;
}

/** Ceilings of an agent, over all its launches. Absent: not asked for. The kernel enforces them, except where another is named. */
export interface ResourceLimits {
  readonly memoryBytesMax?: number;
  readonly pidsMax?: number;
  readonly cpuPercentMax?: number;
  /** Of all that can be written on the host. The kernel holds each file to it; the sum is watched, and a launch above it ended. */
  readonly diskBytesMax?: number;
}

export interface LaunchSpec {
  readonly agentId: string;
  /** `argv[0]` is looked up inside; never a shell string. */
  readonly argv: readonly [string, ...string[]];
  /** The whole environment inside: nothing is inherited. `PATH`, `HOME` and `LANG` have defaults. */
  readonly env: Readonly<Record<string, string>>;
  /** Working directory inside. */
  readonly cwd: string;
  readonly mounts: readonly Mount[];
  readonly limits: ResourceLimits;
}

export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: string | null;
  /** The limit that it was ended for. */
  readonly limit?: 'diskBytesMax';
}

/** A running sandbox. `end` never rejects, and comes when nothing of this launch is left. */
export interface SandboxProcess {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly end: Promise<ProcessEnd>;
  /** What is enforced on it: names of `ResourceLimits`, and words such as `network`, `pid-namespace`, `disk(watched)`. */
  readonly enforced: readonly string[];
}

/** What a sandbox can do on this machine. `cure` says what to install or set. */
export interface SandboxProbe {
  readonly ok: boolean;
  readonly reason?: string;
  readonly cure?: string;
  readonly enforceable: readonly (keyof ResourceLimits)[];
}

export abstract class Sandbox {
  abstract readonly level: SandboxLevel;

  /** Tried for real, once, and remembered. */
  abstract probe(): Promise<SandboxProbe>;

  /**
   * Aborting the signal ends it at once and for all, without grace. A stopped agent launches nothing more until it is removed.
   * Refused with `killed` when a stop came first, with the signal's reason when it was aborted.
   * @throws WritError `sandbox_unavailable`, `limit_unenforceable`: before anything was started.
   */
  abstract launch(spec: LaunchSpec, signal: AbortSignal): Promise<SandboxProcess>;

  /**
   * Ends every process of that agent: SIGTERM, `graceMs`, SIGKILL; then looks again until a pass finds nothing.
   * Also works after a restart of the spoke, from what the sandbox recorded on disk (pid and start time, cgroup).
   * Returns how many are left: 0 when it is done. Idempotent.
   */
  abstract stop(agentId: string, graceMs: number): Promise<number>;

  /** How many processes of that agent live now. Looks at the machine, not at memory. */
  abstract survivors(agentId: string): Promise<number>;

  /** Holds still every process of that agent; null when that cannot be done, or not be shown, here and now. Nothing may be launched meanwhile. */
  abstract hold(agentId: string): Promise<Hold | null>;

  /** A moment, now, in which nothing of that agent runs; null when something does, or when that cannot be told. Touches nothing. The next launch ends it. */
  abstract calm(agentId: string): Promise<Calm | null>;

  /** Agents of which this sandbox still has a record on disk: for recovery at boot. */
  abstract known(): Promise<readonly string[]>;

  /** Removes what is left on disk (record, cgroup, file systems) of an agent without survivors. Idempotent. */
  abstract remove(agentId: string): Promise<void>;
}
