// Folders of the benchmark: state on the disk that a real instance would use, so that a sync is a sync.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A fresh folder, removed when this process ends. */
export function freshFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `writ-bench-${name}-`));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
