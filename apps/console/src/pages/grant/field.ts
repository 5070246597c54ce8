// One place of a grant that is being written.
import type { GrantSchema } from '#protocol';
import type { Fault } from './faults.js';

export interface FieldProps {
  readonly node: GrantSchema;
  /** As faults name it: `limits.turnsMax`. */
  readonly path: string;
  readonly value: unknown;
  /** Undefined leaves the member out. */
  readonly write: (value: unknown) => void;
  /** Of the whole grant. */
  readonly faults: readonly Fault[];
}
