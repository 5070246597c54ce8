// A secret that a setting names and does not have in it: in a file that its owner alone can read, or in a variable.
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';

/** A variable of the environment. */
export type Variable = (name: string) => string | undefined;

export interface SecretPlace {
  readonly secretFile?: string | undefined;
  readonly secretEnv?: string | undefined;
}

/** `fault` says what is wrong with where it should be, in words that tell nothing of it. */
export type SecretText = { readonly text: string } | { readonly fault: string };

const fileBytesMax = 4_096;
const othersBits = 0o077;

/** What stands there now. Synchronous, for the check at start: a few bytes of a local file. */
export function secretText({ secretFile, secretEnv = '' }: SecretPlace, variable: Variable): SecretText {
  if (secretFile !== undefined) return ofFile(secretFile);
  const text = variable(secretEnv);
  return text === undefined ? { fault: `the variable ${secretEnv} is not set` } : { text };
}

function ofFile(path: string): SecretText {
  try {
    const file = openSync(path, 'r');
    try {
      const stat = fstatSync(file);
      if (!stat.isFile() || stat.size > fileBytesMax)
        return { fault: `is no plain file of up to ${fileBytesMax} bytes` };
      if ((stat.mode & othersBits) !== 0) return { fault: 'can be read by others of this machine: chmod 600' };
      return { text: readFileSync(file, 'utf8') };
    } finally {
      closeSync(file);
    }
  } catch {
    return { fault: 'cannot be read' };
  }
}
