// Sandbox room: looks at an agent's processes that miss nobody, and what their threads do.
import { readdirSync, readFileSync } from 'node:fs';
import { identify, type ProcessId } from './process.js';
import type { Living, Look } from './reaper.js';

export interface Sighting {
  readonly people: readonly ProcessId[];
  /** Nobody can have been missed. */
  readonly isSure: boolean;
}

/** Looks again and again, and remembers who does not belong to the agent. */
export class Eye {
  private strangers = new Set<number>();

  constructor(private readonly look: Look) {}

  /**
   * Sure is a look to whose end everybody lived: one that died meanwhile, gone or still to be reaped, may have left a child that
   * nobody has listed. Only those are excused that an earlier look has found to be strangers, or dead.
   */
  async sight(): Promise<Sighting> {
    const listed = pids();
    const people = everybody(await this.look());
    const own = new Set(people.map(({ pid }) => pid));
    const isSure = listed.every((pid) => this.strangers.has(pid) || identify(pid) !== null);
    this.strangers = new Set(listed.filter((pid) => !own.has(pid)));
    return { people, isSure };
  }
}

export function everybody({ holders, inside }: Living): readonly ProcessId[] {
  return [...holders, ...inside];
}

/** The folders in /proc of a process's threads. */
export function threadsOf(pid: number): readonly string[] {
  const folder = `/proc/${pid}/task`;
  return attempt(() => readdirSync(folder), []).map((thread) => `${folder}/${thread}`);
}

/** One letter, as in proc(5); `X` when it is not there any more. */
export function stateOf(thread: string): string {
  return attempt(() => stateIn(readFileSync(`${thread}/stat`, 'latin1')), 'X');
}

function stateIn(stat: string): string {
  return stat[stat.lastIndexOf(')') + 2] ?? 'X';
}

function pids(): readonly number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

export function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
