// Sandbox room: what an agent takes of the disk, as its folders and its processes show. Nothing that an agent does with names, links or
// open files makes it less than it is; what cannot be looked at counts as too much.
import type { Stats } from 'node:fs';
import { lstat, opendir, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

const blockBytes = 512;
/** Files without content use the disk up too: each counts as this at least. */
const entryBytes = 4_096;
const atOnce = 64;
const gone = ['ENOENT', 'ENOTDIR', 'ESRCH'];

/** Bytes in the folders, and in files of theirs that have no name any more but are held open. Counts no further than above `bytesMax`. */
export async function diskUse(folders: readonly string[], pids: readonly number[], bytesMax: number): Promise<number> {
  const tally = new Tally(bytesMax);
  const devices = new Set<number>();
  for (const folder of folders) {
    const found = await lstat(folder).catch(ifGone);
    if (found) devices.add(found.dev);
    await walk(folder, tally);
  }
  for (const pid of pids) await nameless(pid, devices, tally);
  return tally.bytes;
}

class Tally {
  bytes = 0;
  readonly #seen = new Set<string>();

  constructor(readonly bytesMax: number) {}

  get isOver(): boolean {
    return this.bytes > this.bytesMax;
  }

  /** A file of several names counts once. */
  add({ dev, ino, nlink, blocks }: Stats): void {
    const key = `${dev}:${ino}`;
    if (nlink !== 1 && this.#seen.has(key)) return;
    if (nlink !== 1) this.#seen.add(key);
    this.bytes += Math.max(blocks * blockBytes, entryBytes);
  }
}

async function walk(top: string, tally: Tally): Promise<void> {
  const left = [top];
  for (let folder = left.pop(); folder !== undefined && !tally.isOver; folder = left.pop()) {
    try {
      await look(folder, tally, left);
    } catch (error) {
      if (!isGone(error)) tally.bytes = Number.MAX_SAFE_INTEGER;
    }
  }
}

async function look(folder: string, tally: Tally, folders: string[]): Promise<void> {
  let batch: string[] = [];
  const count = async (): Promise<void> => {
    const paths = batch;
    batch = [];
    const found = await Promise.all(paths.map((path) => lstat(path).catch(ifGone)));
    for (const [at, entry] of found.entries()) {
      if (entry) tally.add(entry);
      if (entry?.isDirectory()) folders.push(paths[at] ?? '');
    }
  };
  for await (const { name } of await opendir(folder)) {
    batch.push(join(folder, name));
    if (batch.length >= atOnce) await count();
    if (tally.isOver) return;
  }
  await count();
}

/** Those that another than the owner may not look at (of a container, when we are not root) stay unseen. */
async function nameless(pid: number, devices: ReadonlySet<number>, tally: Tally): Promise<void> {
  const folder = `/proc/${pid}/fd`;
  for (const fd of await readdir(folder).catch(() => [])) {
    const file = await stat(join(folder, fd)).catch(() => null);
    if (file?.isFile() && file.nlink === 0 && devices.has(file.dev)) tally.add(file);
  }
}

function isGone(error: unknown): boolean {
  return gone.includes((error as NodeJS.ErrnoException).code ?? '');
}

function ifGone(error: unknown): null {
  if (isGone(error)) return null;
  throw error;
}
