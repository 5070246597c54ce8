// Sandbox room: ends processes and looks until none is found.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProcessId } from './process.js';
import { signalProcess } from './process.js';

/** What lives of an agent: `inside` is its own; `holders` keep the sandbox up, and with the first of them gone nothing inside lives on. */
export interface Living {
  readonly inside: readonly ProcessId[];
  readonly holders: readonly ProcessId[];
}

export type Look = () => Promise<Living>;

/** A process that SIGKILL does not end within this time hangs in the kernel (a dead disk): reported, not waited for. */
export const killMsMax = 5_000;
const lookEveryMs = { first: 4, most: 100 };

export function count({ inside, holders }: Living): number {
  return inside.length + holders.length;
}

/** SIGTERM to everything inside, `graceMs`, then SIGKILL. Returns how many are left. */
export async function end(look: Look, graceMs: number): Promise<number> {
  const { inside } = await look();
  if (inside.length > 0 && graceMs > 0) {
    for (const process of inside) signalProcess(process, 'SIGTERM');
    await until(graceMs, async () => (await look()).inside.length === 0);
  }
  return kill(look);
}

/** SIGKILL until a look finds nothing. Whoever was born since the last one could have children as well: then the next follows at once. */
export async function kill(look: Look): Promise<number> {
  const deadline = performance.now() + killMsMax;
  for (let [known, pauseMs] = ['', lookEveryMs.first]; ;) {
    const { holders, inside } = await look();
    const all = [...holders, ...inside];
    for (const process of all) signalProcess(process, 'SIGKILL');
    if (all.length === 0 || performance.now() > deadline) return all.length;
    const found = all.map(({ pid }) => pid).join();
    if (found === known) await sleep(pauseMs);
    pauseMs = found === known ? Math.min(pauseMs * 2, lookEveryMs.most) : lookEveryMs.first;
    known = found;
  }
}

/** Asks again and again, ever more slowly, until it is so or the time is over. */
export async function until(timeMs: number, isSo: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeMs;
  for (let pauseMs = lookEveryMs.first; !(await isSo()); pauseMs = Math.min(pauseMs * 2, lookEveryMs.most)) {
    const leftMs = deadline - performance.now();
    if (leftMs <= 0) return;
    await sleep(Math.min(pauseMs, leftMs));
  }
}
