// What the instance says of a grant while it is written: every fault, with what would be allowed there.
import type { GrantFaults } from '#protocol';
import { useEffect, useState } from 'preact/hooks';
import { post } from '../../rest/http.js';
import { asTrouble, type Trouble } from '../../rest/problem.js';

export type Fault = GrantFaults['faults'][number];

/** `isKnown` is false while the last word is of an older text. */
export interface Judged {
  readonly faults: readonly Fault[];
  readonly isKnown: boolean;
  readonly trouble?: Trouble;
}

const restMs = 200;

export function useFaults(value: unknown): Judged {
  const [judged, set] = useState<Judged & { readonly of?: unknown }>({ faults: [], isKnown: false });
  useEffect(() => {
    const gone = new AbortController();
    const ask = async () => {
      const { faults } = await post<GrantFaults>('/v1/grants/validate', { grant: value }, { signal: gone.signal });
      set({ faults, isKnown: true, of: value });
    };
    const failed = (error: unknown) =>
      gone.signal.aborted || set((before) => ({ ...before, isKnown: false, trouble: asTrouble(error) }));
    const timer = setTimeout(() => void ask().catch(failed), restMs);
    return () => {
      clearTimeout(timer);
      gone.abort();
    };
  }, [value]);
  return { ...judged, isKnown: judged.isKnown && judged.of === value };
}

/** Those at that place or below it. */
export const faultsAt = (faults: readonly Fault[], path: string) =>
  faults.filter((one) => one.path === path || one.path.startsWith(`${path}.`) || one.path.startsWith(`${path}[`));

export function faultWords({ path, found, allowed }: Fault): string {
  return `${path === '' ? 'The whole' : path}: ${found === undefined ? 'missing' : `is ${found}`}; allowed is ${allowed}.`;
}
