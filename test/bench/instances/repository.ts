// A git repository with one file in it: agents of the benchmark do nothing there.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const author = ['-c', 'user.name=Sample', '-c', 'user.email=sample@example.org'];

/** Its `file://` URL; the branch is `main`. */
export function makeRepository(folder: string): string {
  const git = (...args: string[]) => execFileSync('git', [...author, ...args], { cwd: folder, stdio: 'pipe' });
  writeFileSync(join(folder, 'README.md'), 'Nothing to do here.\n');
  git('init', '--quiet', '--initial-branch=main');
  git('add', '--all');
  git('commit', '--quiet', '--message', 'A file');
  return pathToFileURL(folder).href;
}
