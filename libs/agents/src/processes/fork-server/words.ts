// Processes room: what the spoke and its fork server say to each other, over the channel that Node lays between them.
import type { ProcessSpec } from '../starter.js';

/** `pipes` are words by which the spoke knows each connection that comes in for it. */
export interface StartOrder extends Omit<ProcessSpec, 'pipes'> {
  readonly order: number;
  readonly pipes: readonly string[];
}

/** As `child_process.spawn` failed. */
export interface Failure {
  readonly message: string;
  readonly name: string;
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
  readonly path?: string;
  readonly spawnargs?: readonly string[];
}

export type ForkServerWord =
  | { readonly order: number; readonly pid: number; readonly start: number }
  | { readonly order: number; readonly failure: Failure }
  | { readonly order: number; readonly code: number | null; readonly signal: string | null };

/** Every connection begins with its word, in ASCII. */
export const wordBytes = 32;
