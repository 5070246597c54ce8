// Sandbox room: a limit on disk where the file system keeps none. The worktree lies on the host's file system, so that what an agent
// takes of it is measured, and the agent ended as soon as it is too much. A single file cannot become larger at all: the kernel sees to it.
import { statfs } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { diskUse } from './disk-use.js';
import type { LaunchSpec, SandboxProcess } from './sandbox.js';

/** Words for `SandboxProcess.enforced`: a limit that is watched is not a wall. */
export const watchedDisk = ['disk(watched)', 'file-size'] as const;

const lookEveryMs = 100;
/** A measuring takes at most this share of a processor while the file system does not shrink. */
const restShare = 50;
const restMs = 2_000;

interface Measured {
  readonly bytes: number;
  readonly freeBytes: number;
  readonly at: number;
  readonly tookMs: number;
}

interface DiskLimit {
  /** On the host: what the agent may write. */
  readonly folders: readonly string[];
  readonly bytesMax: number;
  /** Of the agent, on the host. */
  readonly pids: () => Promise<readonly number[]>;
}

/** Launches as it is told to; above `diskBytesMax` the launch is ended at once, and its end says so. */
export async function underDiskLimit(
  { mounts, limits: { diskBytesMax } }: LaunchSpec,
  signal: AbortSignal,
  pids: DiskLimit['pids'],
  launch: (signal: AbortSignal) => Promise<SandboxProcess>,
): Promise<SandboxProcess> {
  if (diskBytesMax === undefined) return launch(signal);
  const folders = mounts.filter(({ writable }) => writable).map(({ from }) => from);
  const watch = new DiskWatch({ folders, bytesMax: diskBytesMax, pids });
  const running = await launch(AbortSignal.any([signal, watch.outgrown]));
  watch.begin();
  const end = running.end.then(async (end) => ((await watch.end()) ? { ...end, limit: 'diskBytesMax' as const } : end));
  return { ...running, end };
}

class DiskWatch {
  readonly #outgrown = new AbortController();
  readonly #over = new AbortController();
  #watching = Promise.resolve();
  #last?: Measured;

  constructor(private readonly limit: DiskLimit) {}

  /** Aborted when it is too much. */
  get outgrown(): AbortSignal {
    return this.#outgrown.signal;
  }

  begin(): void {
    this.#watching = this.#watch();
  }

  /** Looks a last time: a program can be over sooner than a look comes by. True when it was too much. */
  async end(): Promise<boolean> {
    this.#over.abort();
    await this.#watching;
    if (!this.outgrown.aborted) await this.#measure(await this.#freeBytes());
    return this.outgrown.aborted;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted && !this.outgrown.aborted) {
      const freeBytes = await this.#freeBytes();
      if (this.#isDue(freeBytes)) await this.#measure(freeBytes);
      const pauseMs = Math.max(lookEveryMs, this.#last?.tookMs ?? 0);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** When the file system has lost as much as was left for the agent, whoever took it; else now and then. */
  #isDue(freeBytes: number): boolean {
    if (!this.#last) return true;
    const { bytes, freeBytes: before, at, tookMs } = this.#last;
    const isOld = performance.now() - at >= Math.max(restMs, restShare * tookMs);
    return isOld || before - freeBytes >= this.limit.bytesMax - bytes;
  }

  async #measure(freeBytes: number): Promise<void> {
    const { folders, bytesMax, pids } = this.limit;
    const begun = performance.now();
    const bytes = await diskUse(folders, await pids().catch(() => []), bytesMax);
    const at = performance.now();
    this.#last = { bytes, freeBytes, at, tookMs: at - begun };
    if (bytes > bytesMax) this.#outgrown.abort(new Error('too much of the disk'));
  }

  async #freeBytes(): Promise<number> {
    const found = await Promise.all(this.limit.folders.map((folder) => statfs(folder).catch(() => null)));
    return found.reduce((sum, disk) => sum + (disk ? disk.bavail * disk.bsize : 0), 0);
  }
}
