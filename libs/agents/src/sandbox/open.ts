// Sandbox room: which sandboxes this machine has. Every level is tried for real; the strongest that works is taken.
import { join } from 'node:path';
import type { SandboxLevel } from '#protocol';
import { sandboxLevels, WritError } from '#protocol';
import { findCgroups } from './cgroup-trees.js';
import { Cgroups } from './cgroups.js';
import { DockerSandbox } from './docker.js';
import type { DockerOptions } from './docker.options.js';
import { dockerOptions } from './docker.options.js';
import { Ledger } from './ledger.js';
import { NamespaceSandbox } from './namespace.js';
import { NoneSandbox } from './none.js';
import type { Sandbox, SandboxProbe } from './sandbox.js';
import { UnshareSandbox } from './unshare.js';

export interface SandboxOptions {
  /** Where records are kept: they have to outlive the spoke's process, and nobody else may write them. */
  readonly stateDir: string;
  /** Development only: agents may run without any wall. */
  readonly allowNone?: boolean;
  /** Without an image there is no level `docker`. */
  readonly docker?: DockerOptions;
  /** Tells this spoke's containers and cgroups from those of others on the same machine: `spoke` by default. */
  readonly spokeId?: string;
}

export interface SandboxReport extends SandboxProbe {
  readonly level: SandboxLevel;
}

/** The sandboxes of this machine, in rising order of strength. */
export class Sandboxes {
  constructor(
    /** Also those that do not work now: one may have left a record when it did. */
    readonly all: readonly Sandbox[],
    /** What `writ doctor` shows. */
    readonly reports: readonly SandboxReport[],
  ) {}

  /** The strongest that works here and is at least the floor. @throws WritError `sandbox_unavailable` with the cure. */
  pick(floor: SandboxLevel): Sandbox {
    const strongest = this.all.findLast(({ level }) => this.#works(level));
    if (strongest && rank(strongest.level) >= rank(floor)) return strongest;
    throw new WritError(
      'sandbox_unavailable',
      `No sandbox of level \`${floor}\` works here. ${this.#cures(floor)}`.trim(),
    );
  }

  /** The sandbox of exactly this level: for an agent that an earlier life of the spoke started. */
  at(level: SandboxLevel): Sandbox | undefined {
    return this.all.find((sandbox) => sandbox.level === level);
  }

  #works(level: SandboxLevel): boolean {
    return this.reports.some((report) => report.level === level && report.ok);
  }

  #cures(floor: SandboxLevel): string {
    const failed = this.reports.filter(({ level, ok }) => !ok && rank(level) >= rank(floor));
    return failed.map(({ reason, cure }) => [reason, cure].filter(Boolean).join(' ')).join(' ');
  }
}

export async function openSandboxes(options: SandboxOptions): Promise<Sandboxes> {
  const { stateDir, allowNone = false, docker = dockerOptions.parse({}), spokeId = 'spoke' } = options;
  const cgroups = new Cgroups(await findCgroups(), spokeId);
  const ledger = (level: SandboxLevel): Ledger => new Ledger(join(stateDir, level));
  const all = [
    new NoneSandbox(allowNone, ledger('none'), cgroups),
    new UnshareSandbox(ledger('unshare'), cgroups, join(stateDir, 'root-unshare')),
    new NamespaceSandbox(ledger('namespace'), cgroups, join(stateDir, 'root')),
    new DockerSandbox(ledger('docker'), spokeId, docker),
  ];
  const reports = await Promise.all(all.map(report));
  return new Sandboxes(all, reports);
}

async function report(sandbox: Sandbox): Promise<SandboxReport> {
  return { level: sandbox.level, ...(await sandbox.probe()) };
}

function rank(level: SandboxLevel): number {
  return sandboxLevels.indexOf(level);
}
