// Worktrees room: how much of the disk a folder takes.
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const blockBytes = 512;

/** Bytes on disk of a file, or of a folder with all below it; 0 when there is none. Links count, not what they name. */
export async function diskBytes(path: string): Promise<number> {
  const found = await statOf(path);
  if (!found) return 0;
  const own = found.blocks * blockBytes;
  if (!found.isDirectory()) return own;
  let bytes = own;
  for (const name of await readdir(path).catch(() => [])) bytes += await diskBytes(join(path, name));
  return bytes;
}

/** When it was last changed, epoch milliseconds; undefined when it is not there. */
export async function changedAt(path: string): Promise<number | undefined> {
  return (await statOf(path))?.mtimeMs;
}

function statOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(() => undefined);
}
