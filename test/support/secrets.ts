// Where a secret must not be: looks at the real processes of this machine and at real files.
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

export interface Seen {
  readonly name: string;
  readonly argv: string;
  readonly environ: string;
}

/** Every process of this machine whose first argument is one of these programs, with its arguments and environment. */
export function processesOf(programs: RegExp): Seen[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      const [argv, environ] = [read(`/proc/${pid}/cmdline`), read(`/proc/${pid}/environ`)];
      const name = basename(argv.split('\0')[0] ?? '');
      return programs.test(name) ? [{ name, argv, environ }] : [];
    });
}

/** Files below a folder that have the text in them, but for those that are meant to. */
export function filesWith(folder: string, text: string, except: readonly string[] = []): string[] {
  const files = readdirSync(folder, { recursive: true }).map((name) => join(folder, String(name)));
  return files.filter(
    (file) => !except.includes(file) && lstatSync(file).isFile() && readFileSync(file).includes(text),
  );
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process is gone, or another user's.
    return '';
  }
}
