// Every step that leaves this process (store, git, sandbox) has its own time-out, so that none holds up another. [K-5] [L-2]
import { WritError } from '#protocol';
import type { AgentsLog } from '../deps.js';

/** @throws WritError `timed_out` when the time is up; the step itself may go on, its late result is ignored. */
export async function within<T>(limitMs: number, what: string, step: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const tell = () => reject(new WritError('timed_out', `${what} did not end within ${limitMs} ms.`));
    timer = setTimeout(tell, limitMs);
  });
  try {
    return await Promise.race([step, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same for a step that may fail without changing what follows: the log has it. */
export async function inTime(limitMs: number, what: string, step: Promise<unknown>, log: AgentsLog): Promise<void> {
  try {
    await within(limitMs, what, step);
  } catch (cause) {
    log.warn({ cause }, `${what} failed`);
  }
}

/** Runs the work over all items, at most `width` at a time. The work handles its own errors. */
export async function inWidth<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const rest = items[Symbol.iterator]();
  const lane = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: width }, lane));
}
