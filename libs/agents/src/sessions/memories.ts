// What a session's runtime remembers, one file an agent and, where it keeps one, the agent's home, readable by the spoke's own
// user only: there for the next backend, also after a restart.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WritError } from '#protocol';
import { deleteTree } from '../worktrees/delete-tree.js';
import { diskBytes } from '../worktrees/disk.js';

const kept = new Set(['json', 'home']);

export class Memories {
  constructor(
    private readonly folder: string,
    private readonly bytesMax: number,
    private readonly homeBytesMax: number,
  ) {}

  /** The folder is there when this resolves. */
  async home(agentId: string): Promise<string> {
    const folder = this.homePath(agentId);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    return folder;
  }

  /** Undefined when there is none. @throws Error of `node:fs`. */
  async load(agentId: string): Promise<string | undefined> {
    return readFile(this.path(agentId), 'utf8').catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    });
  }

  /** Whole or not at all. @throws WritError `too_large`; Error of `node:fs`. */
  async save(agentId: string, text: string): Promise<void> {
    this.refuseTooLarge(text);
    if ((await diskBytes(this.homePath(agentId))) > this.homeBytesMax)
      throw new WritError('too_large', `The home of the session has outgrown ${this.homeBytesMax} bytes.`);
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const draft = `${this.path(agentId)}.${randomUUID()}`;
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, this.path(agentId));
  }

  /** @throws WritError `too_large` */
  refuseTooLarge(text: string): void {
    if (Buffer.byteLength(text) > this.bytesMax)
      throw new WritError('too_large', `The conversation of the session has outgrown ${this.bytesMax} bytes.`);
  }

  /** As before an earlier turn. A home knows of all turns since: it goes, and a backend does with what stands in the memory. */
  async goBack(agentId: string, text: string | undefined): Promise<void> {
    await deleteTree(this.homePath(agentId));
    if (text === undefined) await this.drop(agentId);
    else await this.save(agentId, text);
  }

  async drop(agentId: string): Promise<void> {
    await rm(this.path(agentId), { force: true });
    await deleteTree(this.homePath(agentId));
  }

  /** Forgets what belongs to no agent that lives, drafts that a crash left included. */
  async prune(isLive: (agentId: string) => Promise<boolean>): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const [, agentId = '', ending = ''] = /^([^.]*)\.(.*)$/.exec(name) ?? [];
      if (kept.has(ending) && (await isLive(agentId))) continue;
      await deleteTree(join(this.folder, name));
    }
  }

  /** `agentId` is a UUID, checked at the border: it cannot climb. */
  private path(agentId: string): string {
    return join(this.folder, `${agentId}.json`);
  }

  private homePath(agentId: string): string {
    return join(this.folder, `${agentId}.home`);
  }
}
