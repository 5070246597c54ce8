// What a person does: while it is on its way, and why it failed.
import { useCallback, useState } from 'preact/hooks';
import { asTrouble, type Trouble } from '../rest/problem.js';

export interface Acting {
  readonly isBusy: boolean;
  readonly trouble?: Trouble;
  /** A failure stays until the next try; what comes after success belongs into the work. */
  readonly act: (work: () => Promise<void>) => void;
}

export function useActing(): Acting {
  const [state, show] = useState<Omit<Acting, 'act'>>({ isBusy: false });
  const act = useCallback((work: () => Promise<void>) => {
    show({ isBusy: true });
    work().then(
      () => show({ isBusy: false }),
      (error: unknown) => show({ isBusy: false, trouble: asTrouble(error) }),
    );
  }, []);
  return { ...state, act };
}
