// Checkpoints room: what is remembered beside the repository of the last checkpoint that was made, so that git need not be asked again.
// A note that is missing, torn or not true any more costs time and nothing else.
import { createHash, randomUUID } from 'node:crypto';
import { open, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { commitHash } from '#protocol';

const note = z.strictObject({
  format: z.literal(1),
  turn: z.int().min(1),
  at: z.string(),
  /** The commit that was put ahead of its turn, if it was. */
  ahead: commitHash.optional(),
  /** The files, and the index of ours (by its own checksum) that had just these. */
  tree: commitHash,
  index: z.string(),
  /** Of the conversation, SHA-256; absent when there was none. */
  memory: z.string().optional(),
  head: commitHash,
  branch: z.string().optional(),
  tips: z.string(),
});
export type Note = z.infer<typeof note>;

const fileName = 'note.json';
/** gitformat-index(5): the last 20 bytes are a hash over all that is before them. */
const checksumBytes = 20;

export async function readNote(gitDir: string): Promise<Note | undefined> {
  const text = await readFile(join(gitDir, fileName), 'utf8').catch(() => '');
  try {
    return note.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Whole or not at all. */
export async function writeNote(gitDir: string, told: Note): Promise<void> {
  const draft = join(gitDir, `${fileName}.${randomUUID()}`);
  await writeFile(draft, JSON.stringify(told), { mode: 0o600 });
  await rename(draft, join(gitDir, fileName));
}

/** The checksum of an index; that of one that is not there is empty. @throws Error of `node:fs`. */
export async function indexSum(gitDir: string): Promise<string> {
  const file = await open(join(gitDir, 'index')).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  try {
    const { size } = (await file?.stat()) ?? { size: 0 };
    const sum = Buffer.alloc(checksumBytes);
    await file?.read(sum, 0, checksumBytes, Math.max(0, size - checksumBytes));
    return file ? sum.toString('hex') : '';
  } finally {
    await file?.close();
  }
}

export function memorySum(memory: string | undefined): string | undefined {
  return memory === undefined ? undefined : createHash('sha256').update(memory).digest('hex');
}
