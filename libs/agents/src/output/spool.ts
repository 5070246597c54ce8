// One file per agent with all it said, under byte offsets of UTF-8. A sink that fails loses output, never a run. [O-1] [O-4]
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { agentId as agentIdSchema } from '#protocol';

export class Spools {
  constructor(private readonly folder: string) {}

  /** @throws Error of `node:fs`. */
  async prepare(): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
  }

  /** `agentId` is a UUID, checked at the border: it cannot climb. */
  path(agentId: string): string {
    return join(this.folder, agentId);
  }

  open(agentId: string): Promise<FileHandle> {
    return open(this.path(agentId), 'a+', 0o600);
  }

  /** Bytes on disk; 0 without a file. */
  async size(agentId: string): Promise<number> {
    return stat(this.path(agentId)).then(
      (found) => (found.isFile() ? found.size : 0),
      () => 0,
    );
  }

  /** Bytes from an offset on, `bytesMax` of them at most; empty when there are none (any more) or none can be read. */
  async read(agentId: string, offset: number, bytesMax: number): Promise<Buffer> {
    const file = await open(this.path(agentId), 'r').catch(() => null);
    if (!file) return Buffer.alloc(0);
    try {
      const { size } = await file.stat();
      const wanted = Math.max(0, Math.min(bytesMax, size - offset));
      const { buffer, bytesRead } = await file.read(Buffer.alloc(wanted), 0, wanted, offset);
      return buffer.subarray(0, bytesRead);
    } catch {
      return Buffer.alloc(0);
    } finally {
      await file.close();
    }
  }

  /** Every agent with output on disk. */
  async agents(): Promise<readonly string[]> {
    const names = await readdir(this.folder).catch(() => []);
    return names.filter((name) => agentIdSchema.safeParse(name).success);
  }

  /** When it was last written to, epoch milliseconds; 0 without a file. */
  async changedAt(agentId: string): Promise<number> {
    return (await stat(this.path(agentId)).catch(() => null))?.mtimeMs ?? 0;
  }

  async remove(agentId: string): Promise<void> {
    await rm(this.path(agentId), { force: true, recursive: true });
  }

  /** Removes files nobody wrote to for so long. Returns how many. */
  async prune(keepMs: number, now: number, isLive: (agentId: string) => boolean): Promise<number> {
    let removed = 0;
    for (const name of await readdir(this.folder).catch(() => [])) {
      const found = isLive(name) ? null : await stat(join(this.folder, name)).catch(() => null);
      if (!found || now - found.mtimeMs < keepMs) continue;
      await rm(join(this.folder, name), { force: true, recursive: true });
      removed++;
    }
    return removed;
  }
}
