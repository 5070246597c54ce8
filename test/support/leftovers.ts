// What an agent could leave on a machine, counted from outside: none of our own code is asked.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { descendants } from './processes.js';

function numbers(folder: string): string[] {
  return readdirSync(folder).filter((name) => /^\d+$/.test(name));
}

function quietly<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

/** Processes that carry the mark, in their arguments or environment, or that see something of the folder mounted: that no name hides. */
export function traces(mark: string, folder: string): string[] {
  const has = (file: string, word: string): boolean => quietly(() => readFileSync(file, 'utf8'), '').includes(word);
  const others = numbers('/proc').filter((pid) => pid !== String(process.pid));
  return others.filter((pid) => {
    const at = `/proc/${pid}`;
    return has(`${at}/cmdline`, mark) || has(`${at}/environ`, mark) || has(`${at}/mountinfo`, folder);
  });
}

/** Mounts of this machine that name a folder. */
export function mounts(folder: string): string[] {
  return linesWith('/proc/self/mountinfo', folder);
}

/** Sockets of this machine that lie in a folder. */
export function sockets(folder: string): string[] {
  return linesWith('/proc/net/unix', folder);
}

function linesWith(file: string, word: string): string[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes(word));
}

/** Control groups whose names have one of the words. */
export function groups(words: readonly string[]): string[] {
  const all = quietly(() => readdirSync('/sys/fs/cgroup', { recursive: true, encoding: 'utf8' }), []);
  return all.filter((name) => words.some((word) => name.endsWith(word)));
}

/** Open descriptors of a process and of all that come from it. */
export function descriptors(pid: number): number {
  const family = [pid, ...descendants(pid).map((one) => one.pid)];
  return family.reduce((sum, one) => sum + quietly(() => readdirSync(`/proc/${one}/fd`).length, 0), 0);
}

/** What lies in these folders of a state folder. */
export function entries(folder: string, names: readonly string[]): string[] {
  return names.flatMap((name) => quietly(() => readdirSync(join(folder, name)), []).map((one) => join(name, one)));
}
