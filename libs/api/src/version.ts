// The version of the software that runs, from the package it came in.
import { readFileSync } from 'node:fs';

/** Looks from this file upwards, since sources and built files lie at different depths. */
function find(from: URL): string {
  const file = new URL('package.json', from);
  try {
    const { name, version } = JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string };
    if (name === 'writ' && version !== undefined) return version;
  } catch {
    // Not in this folder: look in the one above.
  }
  const above = new URL('../', from);
  return above.href === from.href ? 'unknown' : find(above);
}

/** As in `package.json`. */
export const version = find(new URL('./', import.meta.url));
