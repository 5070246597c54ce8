// How a page keeps up: the time from one frame to the next, and tasks that held everything up for more than 50 ms.
import type { Page } from 'playwright-core';

export interface Frames {
  /** Milliseconds from each frame to the next. */
  readonly frames: readonly number[];
  /** Milliseconds of each long task. */
  readonly tasks: readonly number[];
}

const begin = `{
  const seen = { frames: [], tasks: [] };
  const observer = new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((one) => one.duration)));
  observer.observe({ type: 'longtask' });
  let last;
  const frame = (now) => {
    if (last !== undefined) seen.frames.push(now - last);
    last = now;
    seen.next = requestAnimationFrame(frame);
  };
  seen.next = requestAnimationFrame(frame);
  seen.end = () => (cancelAnimationFrame(seen.next), observer.disconnect());
  globalThis.writSeen = seen;
}`;
const end = `(writSeen.end(), { frames: writSeen.frames, tasks: writSeen.tasks })`;

/** Of what the page does meanwhile. */
export async function framesOf(page: Page, doing: () => Promise<unknown>): Promise<Frames> {
  await page.evaluate(begin);
  await doing();
  return page.evaluate<Frames>(end);
}

/** The value that this share of all lies below; 0 of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
