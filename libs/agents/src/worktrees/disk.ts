// Worktrees room: how much of the disk a folder takes.
import type { Stats } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
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

/** How many files an index of git lists (gitformat-index(5): a signature, a version, the count); 0 when it is none. */
export async function filesIn(index: string): Promise<number> {
  const file = await open(index).catch(() => undefined);
  try {
    const { buffer, bytesRead = 0 } = (await file?.read(Buffer.alloc(12), 0, 12, 0)) ?? {};
    return buffer && bytesRead === 12 && buffer.toString('latin1', 0, 4) === 'DIRC' ? buffer.readUInt32BE(8) : 0;
  } finally {
    await file?.close();
  }
}

/** When it was last changed, epoch milliseconds; undefined when it is not there. */
export async function changedAt(path: string): Promise<number | undefined> {
  return (await statOf(path))?.mtimeMs;
}

function statOf(path: string): Promise<Stats | undefined> {
  return lstat(path).catch(() => undefined);
}
