// A grant that is being written: one value, shown as a form or as its JSON.
import { useState } from 'preact/hooks';

export interface Draft {
  readonly mode: 'form' | 'json';
  /** What is written so far; as long as the text is no JSON, what it was before. */
  readonly value: unknown;
  readonly text: string;
  /** Why the text is no JSON. */
  readonly syntax?: string;
  readonly show: (mode: Draft['mode']) => void;
  readonly write: (value: unknown) => void;
  readonly type: (text: string) => void;
}

export const textOf = (value: unknown) => JSON.stringify(value, null, 2);

function read(text: string): Pick<Draft, 'value'> | Pick<Draft, 'syntax'> {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { syntax: error instanceof Error ? error.message : String(error) };
  }
}

type Written = Pick<Draft, 'mode' | 'value' | 'text' | 'syntax'>;

export function useDraft(initial: unknown): Draft {
  const [draft, set] = useState<Written>(() => ({ mode: 'form', value: initial, text: textOf(initial) }));
  const write = (value: unknown) => set(({ mode }) => ({ mode, value, text: textOf(value) }));
  const type = (text: string) => set(({ mode, value }) => ({ mode, value, text, ...read(text) }));
  /** A form of something that is no JSON would be of something else than what was written. */
  const show = (mode: Draft['mode']) => set((before) => (before.syntax === undefined ? { ...before, mode } : before));
  return { ...draft, write, type, show };
}
