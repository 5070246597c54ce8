// A consistent copy of what an instance is: its store, its keys, and what finds its leases again. Worktrees are not in it.
import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { WritError, type Actor, type BackupMade } from '#protocol';
import { StoreError, writeBackup, type Store } from '#store';
import type { Acts } from '../acts.js';

export interface BackupParts {
  readonly store: Store;
  readonly acts: Acts;
  readonly stateDir: string;
  readonly role: 'hub' | 'spoke';
  readonly name: string;
}

/** Beside the store and `keys/`: the first admin key, and the name under which a spoke's leases know its folder. */
const besides = ['cli.key', 'agents/site'] as const;

export class BackupService {
  constructor(private readonly parts: BackupParts) {}

  /** The backup lies in `backups/` of the state folder until somebody takes it. @throws WritError `invalid_request` for a shared store. */
  async make(actor: Actor): Promise<BackupMade> {
    const { store, acts, stateDir, role, name } = this.parts;
    const madeAtMs = Date.now();
    const madeAt = new Date(madeAtMs).toISOString();
    const path = join(stateDir, 'backups', `${role}-${madeAt.replaceAll(':', '')}.writ`);
    mkdirSync(join(stateDir, 'backups'), { recursive: true, mode: 0o700 });
    await acts.record({ act: 'backup', subject: path, actor, detail: {} });
    await writeBackup(store, path, { role, name, madeAtMs }, this.files()).catch(asProblem);
    return { path, bytes: statSync(path).size, madeAt };
  }

  private files(): ReadonlyMap<string, Uint8Array> {
    const { stateDir } = this.parts;
    const keys = readdirSync(join(stateDir, 'keys')).filter((name) => !name.startsWith('.'));
    const paths = [...keys.map((name) => `keys/${name}`), ...besides];
    return new Map(paths.flatMap((path) => contentOf(stateDir, path)));
  }
}

function contentOf(stateDir: string, path: string): [string, Uint8Array][] {
  try {
    return [[path, readFileSync(join(stateDir, path))]];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function asProblem(error: unknown): never {
  if (error instanceof StoreError && error.code === 'invalid')
    throw new WritError('invalid_request', error.detail, { cause: error });
  throw error;
}
