// Processes room: descriptors that our own parent left open. Node closes what it opened itself; those would go through to whatever
// we start, and are replaced by /dev/null.
import type { IOType, StdioOptions } from 'node:child_process';
import { openSync, readdirSync, readFileSync } from 'node:fs';

const closeOnExec = 0o2000000;

/** These descriptors first, nothing beyond them. */
export function sealed(stdio: readonly (IOType | 'ipc')[]): StdioOptions {
  const all: (IOType | 'ipc' | number)[] = [...stdio];
  for (const fd of strays()) {
    if (fd < stdio.length) continue;
    while (all.length < fd) all.push('ignore');
    all[fd] = nothing();
  }
  return all;
}

let strayFds: readonly number[] | undefined;

/** Open descriptors without close-on-exec. They can only have come from our parent: looked for once. */
function strays(): readonly number[] {
  strayFds ??= readdirSync('/proc/self/fdinfo').map(Number).filter(isStray);
  return strayFds;
}

function isStray(fd: number): boolean {
  if (fd <= 2) return false;
  try {
    const flags = /^flags:\s*([0-7]+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
    return (parseInt(flags, 8) & closeOnExec) === 0;
  } catch {
    // The descriptor of this very listing.
    return false;
  }
}

let devNull: number | undefined;

function nothing(): number {
  devNull ??= openSync('/dev/null', 'r+');
  return devNull;
}
