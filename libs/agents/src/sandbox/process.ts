// Sandbox room: processes as /proc shows them. A pid alone names nobody: it is reused, so it goes with its start time.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** A process that cannot be mistaken for a later one with the same pid. `start` is in clock ticks since boot (proc(5), field 22). */
export interface ProcessId {
  readonly pid: number;
  readonly start: number;
}

interface ProcessLine extends ProcessId {
  readonly parent: number;
  readonly session: number;
}

/** One value per boot of the kernel: no process of another boot is alive. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** The process that has this pid now, unless it is dead and only waits to be reaped. */
export function identify(pid: number): ProcessId | null {
  const line = read(pid);
  return line && { pid: line.pid, start: line.start };
}

export function isAlive(process: ProcessId): boolean {
  return read(process.pid)?.start === process.start;
}

/** Start time of whoever has this pid, dead or alive, as long as nobody has reaped it. */
export function startTicks(pid: number): number {
  return Number(fieldsOf(readFileSync(`/proc/${pid}/stat`, 'utf8'))[19]);
}

/** Sends a signal to that very process, or to the group that it leads; nothing happens when the pid belongs to another by now. */
export function signalProcess(target: ProcessId, signal: NodeJS.Signals, to: 'process' | 'group' = 'process'): void {
  if (!isAlive(target)) return;
  try {
    process.kill(to === 'group' ? -target.pid : target.pid, signal);
  } catch (error) {
    // It ended between the look and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Every process that shares the PID namespace of its first process, that one left out. */
export function namespaceMembers(init: ProcessId): ProcessId[] {
  const namespace = namespaceOf(init.pid);
  if (!namespace || !isAlive(init)) return [];
  return processes()
    .filter(({ pid }) => pid !== init.pid && namespaceOf(pid) === namespace)
    .map(({ pid, start }) => ({ pid, start }));
}

/** The direct children of a process. */
export function childrenOf(parent: number): ProcessId[] {
  return processes()
    .filter((line) => line.parent === parent)
    .map(({ pid, start }) => ({ pid, start }));
}

/**
 * Descendants by parenthood and by session, and whoever carries the marker in the environment it was started with.
 * The number of a session stays taken as long as it has a member, so that it is not ours only when another process has that pid.
 */
export function descendantsOf(roots: readonly ProcessId[], marker: string): ProcessId[] {
  const all = processes();
  const found = new Set(roots.filter(isAlive).map(({ pid }) => pid));
  const sessions = new Set(
    roots.filter(({ pid, start }) => (read(pid)?.start ?? start) === start).map(({ pid }) => pid),
  );
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const line of all) if (found.has(line.parent) || sessions.has(line.session)) found.add(line.pid);
  }
  return all.filter(({ pid }) => found.has(pid) || carries(pid, marker)).map(({ pid, start }) => ({ pid, start }));
}

function processes(): ProcessLine[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map((pid) => read(Number(pid))).filter((line) => line !== null);
}

function read(pid: number): ProcessLine | null {
  const text = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  if (!text) return null;
  const fields = fieldsOf(text);
  const [state = 'X', parent, , session] = fields;
  if ('ZXx'.includes(state) && !hasThreads(pid)) return null;
  return { pid, parent: Number(parent), session: Number(session), start: Number(fields[19]) };
}

/** The name of the program stands in parentheses and may hold anything, parentheses too. */
function fieldsOf(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** A process whose first thread has ended shows as dead while others of it run on. */
function hasThreads(pid: number): boolean {
  return (attempt(() => readdirSync(`/proc/${pid}/task`).join(' ')) ?? '').includes(' ');
}

function namespaceOf(pid: number): string | null {
  return attempt(() => readlinkSync(`/proc/${pid}/ns/pid`));
}

function carries(pid: number, marker: string): boolean {
  const environment = attempt(() => readFileSync(`/proc/${pid}/environ`, 'latin1'));
  return environment?.split('\0').includes(marker) ?? false;
}

/** Processes come and go, and some belong to others: what cannot be read is not there. */
function attempt(look: () => string): string | null {
  try {
    return look();
  } catch {
    return null;
  }
}
