// The text of a grant: read from a file or standard input, and its faults in words.
import { readFileSync } from 'node:fs';
import { WritError } from '#protocol';
import type { GrantFault } from '#protocol';

/** A grant with every list full stays far below. */
const bytesMax = 1_048_576;

/** What a file holds as JSON; `-` is standard input. @throws WritError `invalid_request` with the place of the mistake. */
export function grantText(file: string): unknown {
  return parsed(read(file), file);
}

function read(file: string): string {
  try {
    const text = readFileSync(file === '-' ? 0 : file, 'utf8');
    if (text.length <= bytesMax) return text;
  } catch (cause) {
    throw new WritError('invalid_request', `${file} cannot be read.`, { field: 'file', cause });
  }
  throw new WritError('invalid_request', `${file} is larger than any grant: ${bytesMax} bytes.`, { field: 'file' });
}

function parsed(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'it cannot be read';
    throw new WritError('invalid_request', `${file} is not JSON: ${why}`.slice(0, 500), { field: 'file', cause });
  }
}

/** One line a fault. */
export function faultLines(faults: readonly GrantFault[]): string[] {
  return faults.map(({ path, found, allowed }) => {
    const what = found === undefined ? 'is missing' : `${found} is not allowed`;
    return `${path || 'the whole'}: ${what}. Allowed: ${allowed}.`;
  });
}
