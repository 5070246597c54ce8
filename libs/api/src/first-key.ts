// What a first start says of its admin key: to a person at a terminal the key itself, to a log only where it is.
import { join } from 'node:path';

interface FirstStart {
  readonly firstKey?: string;
  /** The key that the admin brought along, and so knows. */
  readonly adminKey?: string;
  readonly stateDir: string;
}

/** Empty when there is nothing to say. */
export function firstKeyLine({ firstKey, adminKey, stateDir }: FirstStart, isTerminal: boolean): string {
  if (firstKey === undefined || adminKey !== undefined) return '';
  if (isTerminal) return `The first admin key, shown this once: ${firstKey}\n`;
  return `The first admin key is in ${join(stateDir, 'cli.key')}\n`;
}
