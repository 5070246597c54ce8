// What surrounds one run of the command line: its environment, where it writes, and whether a person is there.
import type { Progress } from './progress/progress.js';

export interface World {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Standard output is a terminal. */
  readonly tty: boolean;
  /** A person can be asked. */
  readonly interactive: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** Shown until something is written by `out` or `err`. */
  readonly progress: Progress;
  /** Aborts at Ctrl-C. */
  readonly signal: AbortSignal;
  /** This is one look of `--watch`. */
  readonly isWatched?: true;
  /** What the process ends with, unless an error says otherwise. */
  exitCode: number;
}

export const outputForms = ['table', 'plain', 'json'] as const;
export type OutputForm = (typeof outputForms)[number];

/** The options that every command takes. */
export interface Flags {
  readonly url?: string;
  readonly key?: string;
  readonly state?: string;
  readonly ca?: string;
  readonly output?: OutputForm;
  readonly on?: Role;
  readonly context?: string;
  /** The context that stands behind these flags; the environment's address and folder then count for nothing. */
  readonly meant?: string;
}

export type Role = 'hub' | 'spoke';
