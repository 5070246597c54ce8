// Checkpoints room: the refs of an agent's checkpoints as git writes them, a file each, read and moved without git. Nobody else writes there.
import { access, mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { commitHash } from '#protocol';
import { aheadRef, checkpointRef, checkpointRefs } from '../refs.js';

export class RefFiles {
  constructor(
    private readonly agentId: string,
    private readonly gitDir: string,
  ) {}

  name(turn: number): string {
    return checkpointRef(this.agentId, turn);
  }

  /** The commit that was put ahead of its turn, while it does not count. */
  async ahead(): Promise<string | undefined> {
    const text = await readFile(join(this.gitDir, aheadRef), 'latin1').catch(nothing);
    return commitHash.safeParse(text?.trim()).data;
  }

  /** What was put ahead counts from now on, as the checkpoint of that turn; git has synced the file that changes its name. */
  async count(turn: number): Promise<void> {
    const file = join(this.gitDir, this.name(turn));
    await mkdir(dirname(file), { recursive: true });
    await rename(join(this.gitDir, aheadRef), file);
  }

  async dropAhead(): Promise<void> {
    await rm(join(this.gitDir, aheadRef), { force: true });
  }

  /** The numbers of those that count, oldest first. */
  async turns(): Promise<readonly number[]> {
    const names = (await readdir(join(this.gitDir, checkpointRefs(this.agentId))).catch(nothing)) ?? [];
    const turns = names.filter((name) => /^\d+$/.test(name)).map(Number);
    return turns.sort((one, other) => one - other);
  }

  async drop(turns: readonly number[]): Promise<void> {
    for (const turn of turns) await rm(join(this.gitDir, this.name(turn)), { force: true });
  }

  /** Somebody packed them: then git has to be asked. */
  arePacked(): Promise<boolean> {
    return access(join(this.gitDir, 'packed-refs')).then(
      () => true,
      () => false,
    );
  }
}

function nothing(): undefined {
  return undefined;
}
