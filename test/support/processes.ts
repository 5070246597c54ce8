// A look at the machine that asks none of our own code: which processes come from which, by pid and start time.
import { readdirSync, readFileSync } from 'node:fs';

/** A process is its pid and when it started (clock ticks since boot): a pid alone may be somebody else's by now. */
export interface Seen {
  readonly pid: number;
  readonly parent: number;
  readonly start: string;
  readonly command: string;
}

function look(pid: number): Seen | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, parent = '0'] = fields;
    if (state === 'Z' || state === 'X') return null;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return { pid, parent: Number(parent), start: fields[19] ?? '', command };
  } catch {
    return null;
  }
}

function everything(): Seen[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => look(Number(pid)) ?? []);
}

/** All that comes from a process, however deep; the process itself left out. */
export function descendants(of: number): Seen[] {
  const all = everything();
  const found = new Set([of]);
  for (let grown = true; grown;) {
    const more = all.filter(({ pid, parent }) => found.has(parent) && !found.has(pid));
    for (const { pid } of more) found.add(pid);
    grown = more.length > 0;
  }
  return all.filter(({ pid }) => pid !== of && found.has(pid));
}

/** Those of the list that live still. */
export function stillAlive(seen: readonly Seen[]): Seen[] {
  return seen.filter(({ pid, start }) => look(pid)?.start === start);
}

/** All on this machine whose command line has that word. */
export function running(word: string): Seen[] {
  return everything().filter(({ command }) => command.includes(word));
}
