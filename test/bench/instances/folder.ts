// Folders of the benchmark: state on the disk that a real instance would use, so that a sync is a sync.
import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const inMemory = '/dev/shm';
/** `TMPFS_MAGIC` of statfs(2). */
const tmpfs = 0x01021994;

/** Where files cost no disk, if there is such a place: what is measured there is what is done, not where. */
export function memoryFolder(name: string): string {
  try {
    return freshFolder(name, statfsSync(inMemory).type === tmpfs ? inMemory : tmpdir());
  } catch {
    return freshFolder(name);
  }
}

/** A fresh folder, removed when this process ends. */
export function freshFolder(name: string, below = tmpdir()): string {
  const folder = mkdtempSync(join(below, `writ-bench-${name}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
