// How the command line finds an instance on the same machine: two files in its state folder, readable by its owner only.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Announcement {
  readonly url: string;
  readonly role: 'hub' | 'spoke';
  readonly name: string;
  readonly pid: number;
}

const ownerOnly = { mode: 0o600 } as const;

/** Writes `instance.json`, and `cli.key` when a first key was made. The folder is made with mode 0700. */
export function announce(stateDir: string, announcement: Announcement, firstKey?: string): void {
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(stateDir, 'instance.json'), `${JSON.stringify(announcement)}\n`, ownerOnly);
  if (firstKey === undefined) return;
  rmSync(join(stateDir, 'cli.key'), { force: true });
  writeFileSync(join(stateDir, 'cli.key'), `${firstKey}\n`, ownerOnly);
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
