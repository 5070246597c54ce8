// What the sandboxes' contracts stand on: a sandbox in a folder of its own, and an agent with a worktree.
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SandboxLevel } from '#protocol';
import { WritError } from '#protocol';
import { findCgroups } from './cgroup-trees.js';
import { Cgroups } from './cgroups.js';
import { DockerSandbox } from './docker.js';
import type { DockerOptions } from './docker.options.js';
import { dockerOptions } from './docker.options.js';
import { Ledger } from './ledger.js';
import { NamespaceSandbox } from './namespace.js';
import { NoneSandbox } from './none.js';
import type { SandboxOptions } from './open.js';
import { openSandboxes } from './open.js';
import { UnshareSandbox } from './unshare.js';
import type { LaunchSpec, ProcessEnd, ResourceLimits, Sandbox, SandboxProbe, SandboxProcess } from './sandbox.js';

export const never = new AbortController().signal;

export class Trial {
  /** The engine of this run; without it there is no level `docker`. */
  static docker: DockerOptions | undefined;

  readonly folder = mkdtempSync(join(tmpdir(), 'writ-sandbox-'));
  readonly work = join(this.folder, 'work');
  readonly stateDir = join(this.folder, 'state');
  readonly agentId = randomUUID();
  /** Its containers are its own, whatever runs beside it on the same engine. */
  readonly spokeId = randomUUID();
  sandbox!: Sandbox;

  /** As a process beside this one opens the same sandboxes. */
  get options() {
    return {
      stateDir: this.stateDir,
      allowNone: true,
      docker: Trial.docker,
      spokeId: this.spokeId,
    } satisfies SandboxOptions;
  }

  static async open(level: SandboxLevel): Promise<Trial> {
    const trial = new Trial();
    mkdirSync(trial.work);
    trial.sandbox = await trial.reopen(level);
    return trial;
  }

  /** As the next life of a spoke finds it. */
  async reopen(level: SandboxLevel): Promise<Sandbox> {
    const { docker, spokeId } = this.options;
    const cgroups = new Cgroups(await findCgroups(), spokeId);
    const ledger = new Ledger(join(this.stateDir, level));
    if (level === 'docker') return new DockerSandbox(ledger, spokeId, docker ?? dockerOptions.parse({}));
    if (level === 'none') return new NoneSandbox(true, ledger, cgroups);
    const folder = join(this.stateDir, 'root');
    return level === 'unshare'
      ? new UnshareSandbox(ledger, cgroups, folder)
      : new NamespaceSandbox(ledger, cgroups, folder);
  }

  spec(argv: LaunchSpec['argv'], more: Partial<LaunchSpec> = {}): LaunchSpec {
    const mounts = [{ from: this.work, to: '/work', writable: true }];
    return { agentId: this.agentId, argv, env: {}, cwd: '/work', mounts, limits: {}, ...more };
  }

  launch(script: string, limits: ResourceLimits = {}, signal = never): Promise<SandboxProcess> {
    return this.sandbox.launch(this.spec(['sh', '-c', script], { limits }), signal);
  }

  /** Runs a script to its end. */
  async run(script: string, limits: ResourceLimits = {}): Promise<{ out: string; err: string; end: ProcessEnd }> {
    const running = await this.launch(script, limits);
    const [out, err, end] = await Promise.all([text(running.stdout), text(running.stderr), running.end]);
    return { out, err, end };
  }

  /** Launches and waits until the script has said `ready`. */
  async ready(script: string, limits: ResourceLimits = {}, signal = never): Promise<SandboxProcess> {
    const running = await this.launch(`${script}\necho ready\nwait`, limits, signal);
    await heard(running, 'ready');
    return running;
  }

  /** With whatever an engine has made late, as a spoke finds it at its next look. */
  async close(): Promise<void> {
    for (const agentId of new Set([this.agentId, ...(await this.sandbox.known())])) {
      // As a spoke does, which does not give up: who forks without end outruns one try on a busy machine.
      await eventually(async () => (await this.sandbox.stop(agentId, 0)) === 0, 60_000);
      await this.sandbox.remove(agentId);
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export async function heard(running: SandboxProcess, word: string): Promise<void> {
  let said = '';
  for await (const piece of running.stdout.iterator({ destroyOnReturn: false })) {
    said += String(piece);
    if (said.includes(word)) return;
  }
  throw new Error(`it ended without \`${word}\`: ${said}${await text(running.stderr)}`);
}

/** Polls until it is so. */
export async function eventually(isSo: () => boolean | Promise<boolean>, timeMs = 5_000): Promise<void> {
  const deadline = Date.now() + timeMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`it was not so within ${timeMs} ms`);
    await sleep(10);
  }
}

export async function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    if (error instanceof WritError) return error.code;
    throw error;
  }
}

/** Whether a level works here, and what to do if not. */
export async function lookAt(level: SandboxLevel): Promise<SandboxProbe> {
  const folder = mkdtempSync(join(tmpdir(), 'writ-probe-'));
  const { reports } = await openSandboxes({ stateDir: folder, allowNone: true, docker: Trial.docker });
  rmSync(folder, { recursive: true });
  return reports.find((report) => report.level === level)!;
}

/** Processes of the whole machine whose command line has this word. */
export function machineHas(word: string): boolean {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.some((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
    } catch {
      return false;
    }
  });
}
