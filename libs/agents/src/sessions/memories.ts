// What a session's runtime remembers, one file an agent, readable by the spoke's own user only: there for the next backend,
// also after a restart.
import { randomUUID } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { WritError } from '#protocol';

export class Memories {
  constructor(
    private readonly folder: string,
    private readonly bytesMax: number,
  ) {}

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

  async drop(agentId: string): Promise<void> {
    await rm(this.path(agentId), { force: true });
  }

  /** Forgets what belongs to no agent that lives, drafts that a crash left included. */
  async prune(isLive: (agentId: string) => Promise<boolean>): Promise<void> {
    for (const name of await readdir(this.folder).catch(() => [])) {
      const [agentId = '', ending] = name.split('.json');
      if (ending !== '' || !(await isLive(agentId))) await rm(join(this.folder, name), { force: true });
    }
  }

  /** `agentId` is a UUID, checked at the border: it cannot climb. */
  private path(agentId: string): string {
    return join(this.folder, `${agentId}.json`);
  }
}
