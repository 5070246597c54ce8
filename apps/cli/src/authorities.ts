// Authorities of one's own that the command line trusts when it talks to an instance over TLS.
import { readFileSync } from 'node:fs';
import { authoritiesIn, WritError } from '#protocol';
import type { Flags, World } from './world.js';

/** Of `--ca`, else `WRIT_CA`; undefined: the public ones alone. @throws WritError `invalid_request` for a file that is of no use. */
export function ownAuthorities({ env }: World, { ca = env.WRIT_CA }: Flags): string[] | undefined {
  if (ca === undefined) return undefined;
  try {
    return authoritiesIn(readFileSync(ca, 'utf8'));
  } catch (cause) {
    const why = cause instanceof WritError ? cause.detail : 'it cannot be read';
    throw new WritError('invalid_request', `${ca}: ${why}.`, { field: '--ca', cause });
  }
}
