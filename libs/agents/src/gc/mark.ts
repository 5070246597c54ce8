// Which store the files on this disk were made under. A store that was reset or replaced knows none of their agents; by
// this mark that is noticed, and nothing becomes an orphan. [W-3]
import { randomUUID } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

const mark = z.strictObject({ format: z.literal(1), incarnation: z.string().min(1), sinceMs: z.int().min(0) });

export class StoreMark {
  private readonly file: string;

  constructor(stateDir: string) {
    this.file = join(stateDir, 'store-mark.json');
  }

  /** Since when this life of the store is known here, epoch milliseconds; null for another one, for none, and for a mark that cannot be read. */
  async since(incarnation: string): Promise<number | null> {
    const found = mark.safeParse(await this.read());
    return found.success && found.data.incarnation === incarnation ? found.data.sinceMs : null;
  }

  async isAbsent(): Promise<boolean> {
    return (await this.read()) === undefined;
  }

  /** Whole or not at all. */
  async write(incarnation: string, sinceMs: number): Promise<void> {
    const draft = `${this.file}.${randomUUID()}`;
    await writeFile(draft, JSON.stringify({ format: 1, incarnation, sinceMs }), { mode: 0o600, flush: true });
    await rename(draft, this.file);
  }

  /** Undefined only when there is none; what is no JSON is null. */
  private async read(): Promise<unknown> {
    const text = await readFile(this.file, 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
    if (text === undefined) return undefined;
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return null;
    }
  }
}
