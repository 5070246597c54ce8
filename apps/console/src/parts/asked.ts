// What a page asks of the instance: while it loads, when it is there, when it failed, and again.
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { asTrouble, type Trouble } from '../rest/problem.js';

/** What was there last stays while it is asked again or fails. */
export interface Asked<T> {
  readonly value?: T;
  readonly trouble?: Trouble;
  readonly isAsking: boolean;
  readonly again: () => void;
}

/** Asks at once and whenever `key` changes; an answer that comes too late is dropped. */
export function useAsked<T>(key: string, ask: (signal: AbortSignal) => Promise<T>): Asked<T> {
  const [state, show] = useState<Omit<Asked<T>, 'again'>>({ isAsking: true });
  const [round, turn] = useState(0);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    const gone = new AbortController();
    show((before) => ({ ...before, isAsking: true }));
    latest.current(gone.signal).then(
      (value) => gone.signal.aborted || show({ value, isAsking: false }),
      (error: unknown) =>
        gone.signal.aborted || show((before) => ({ ...before, trouble: asTrouble(error), isAsking: false })),
    );
    return () => gone.abort();
  }, [key, round]);
  return { ...state, again: useCallback(() => turn((before) => before + 1), []) };
}
