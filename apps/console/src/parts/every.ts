// Asks again from time to time, while somebody looks; or when something happens, but not as often as it does.
import { useEffect, useRef, useState } from 'preact/hooks';

export function useEvery(ms: number, again: () => void): void {
  const latest = useRef(again);
  latest.current = again;
  useEffect(() => {
    const timer = setInterval(() => document.hidden || latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/** What it gives back calls `act`: at once, and when it was called again meanwhile once more, no sooner than so many milliseconds later. */
export function useAtMostEvery(ms: number, act: () => void): () => void {
  const latest = useRef(act);
  latest.current = act;
  const [pace] = useState(() => new Pace(ms, () => latest.current()));
  useEffect(() => () => pace.stop(), [pace]);
  return pace.ask;
}

class Pace {
  private last = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly ms: number,
    private readonly act: () => void,
  ) {}

  readonly ask = (): void => {
    this.timer ??= setTimeout(() => this.run(), Math.max(0, this.last + this.ms - Date.now()));
  };

  stop(): void {
    clearTimeout(this.timer);
  }

  private run(): void {
    this.timer = undefined;
    this.last = Date.now();
    this.act();
  }
}
