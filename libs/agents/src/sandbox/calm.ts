// Sandbox room: a proof that nothing of an agent has run since a moment, without touching it. Whenever a thread gets a processor the kernel
// counts it (proc(5), `schedstat`: time run, time waited, turns). Who was asleep and has the same count has not run; and only who
// runs can make another process. So once everybody is known and asleep, their counts are all that has to be read again.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Look } from './reaper.js';
import { attempt, Eye, stateOf, threadsOf } from './sight.js';

/** A moment in which nothing of an agent ran. */
export interface Calm {
  /** Whether nothing of it has run since then. Cheap. */
  lasts(): boolean;
}

/** Nothing lives, so that nothing can run. */
export const nothingRuns: Calm = { lasts: () => true };

/** Longer than the kernel takes to count the time of one that runs on and on: 10 ms at most. */
const apartMs = 25;
const asleep = 'SITt';
const dead = 'ZXx';

/** Null when something ran, or somebody may have been missed, or this kernel does not count. */
export async function calmOf(look: Look): Promise<Calm | null> {
  const eye = new Eye(look);
  await eye.sight();
  const first = await countsOf(eye);
  if (!first) return null;
  await sleep(apartMs, undefined, { ref: false });
  const second = await countsOf(eye);
  const isSame = second?.size === first.size && [...second].every(([thread, count]) => first.get(thread) === count);
  return second && isSame ? { lasts: () => [...second].every(([thread, count]) => countOf(thread) === count) } : null;
}

/** By thread. Null unless everybody is known and asleep. */
async function countsOf(eye: Eye): Promise<ReadonlyMap<string, string> | null> {
  const { people, isSure } = await eye.sight();
  if (!isSure) return null;
  if (!people.every(({ pid }) => isAsleep(pid))) return null;
  const threads = people.flatMap(({ pid }) => threadsOf(pid));
  const counts = threads.map((thread) => [thread, countOf(thread)] as const);
  return counts.every(([, count]) => isCounted(count)) ? new Map(counts) : null;
}

/** One that has just died has run. */
function isAsleep(pid: number): boolean {
  const states = threadsOf(pid).map(stateOf);
  return states.every((state) => (asleep + dead).includes(state)) && states.some((state) => asleep.includes(state));
}

function countOf(thread: string): string {
  return attempt(() => readFileSync(`${thread}/schedstat`, 'latin1').trim(), '');
}

/** A kernel that does not count says 0 of everybody. */
function isCounted(count: string): boolean {
  return /^\d+ \d+ [1-9]\d*$/.test(count);
}
