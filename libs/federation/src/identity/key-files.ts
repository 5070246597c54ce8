// The files that hold an instance's keys: nobody else may read them, and they change as a whole or not at all.
import { closeSync, existsSync, fsyncSync, linkSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { statSync, unlinkSync, writeSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { WritError } from '#protocol';

const othersMask = 0o077;

/** A folder of our own: made when it is absent, refused when others could read it. */
export class KeyFiles {
  /** @throws WritError `config_invalid` for a folder that others can read or that is not ours. */
  constructor(private readonly folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    refuseShared(folder, '700');
  }

  /** The parsed content, or null when there is none. @throws WritError `config_invalid` for a file that others can read. */
  read(name: string): unknown {
    const path = join(this.folder, name);
    if (!existsSync(path)) return null;
    refuseShared(path, '600');
    return JSON.parse(readFileSync(path, 'utf8'));
  }

  /** Creates the file unless another process was first; false then. */
  create(name: string, content: unknown): boolean {
    const draft = this.draft(content);
    try {
      linkSync(draft, join(this.folder, name));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
      throw error;
    } finally {
      unlinkSync(draft);
      this.settle();
    }
  }

  pathOf(name: string): string {
    return join(this.folder, name);
  }

  /** Another one whenever the file was written; empty when there is none. */
  mark(name: string): string {
    const found = statSync(this.pathOf(name), { throwIfNoEntry: false });
    return found ? `${found.ino}.${found.mtimeMs}` : '';
  }

  replace(name: string, content: unknown): void {
    renameSync(this.draft(content), join(this.folder, name));
    this.settle();
  }

  private draft(content: unknown): string {
    const path = join(this.folder, `.${randomUUID()}`);
    const file = openSync(path, 'wx', 0o600);
    writeSync(file, `${JSON.stringify(content, null, 2)}\n`);
    fsyncSync(file);
    closeSync(file);
    return path;
  }

  /** A rename is durable when its folder is. */
  private settle(): void {
    const folder = openSync(this.folder, 'r');
    fsyncSync(folder);
    closeSync(folder);
  }
}

function refuseShared(path: string, mode: string): void {
  const { mode: actual, uid } = statSync(path);
  if ((actual & othersMask) === 0 && uid === (process.getuid?.() ?? uid)) return;
  throw new WritError(
    'config_invalid',
    `Keys are kept there and others could read them: run \`chmod ${mode} ${path}\`.`,
  );
}
