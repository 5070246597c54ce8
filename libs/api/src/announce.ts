// How the command line finds an instance on the same machine: two files in its state folder, readable by its owner only.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Announcement {
  readonly url: string;
  readonly role: 'hub' | 'spoke';
  readonly name: string;
  readonly pid: number;
}

const ownerOnly = { mode: 0o600 } as const;

/**
 * Writes `cli.key` when a first key was made, then `instance.json`: whoever sees the one finds the other.
 * The folder is made with mode 0700.
 */
export function announce(stateDir: string, announcement: Announcement, firstKey?: string): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  if (firstKey !== undefined) replace(stateDir, 'cli.key', `${firstKey}\n`);
  replace(stateDir, 'instance.json', `${JSON.stringify(announcement)}\n`);
}

/** Nobody ever reads half of it. */
function replace(folder: string, name: string, text: string): void {
  const fresh = join(folder, `.${name}.${process.pid}`);
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text, ownerOnly);
  renameSync(fresh, join(folder, name));
}

/** Takes `instance.json` away again, unless another process has announced itself meanwhile. */
export function withdraw(stateDir: string, pid: number): void {
  const file = join(stateDir, 'instance.json');
  try {
    const { pid: owner } = JSON.parse(readFileSync(file, 'utf8')) as { pid?: unknown };
    if (owner === pid) rmSync(file, { force: true });
  } catch {
    // Not there or not readable: nothing to take away.
  }
}
