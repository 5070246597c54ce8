// The sample repository of the demo: a sum that is wrong and a test that says so.
import { execFileSync } from 'node:child_process';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../support/instance.js';

const sample = join(root, 'apps', 'understudy', 'scripts', 'sample');

function git(folder: string, ...args: string[]): string {
  const author = ['-c', 'user.name=Sample', '-c', 'user.email=sample@example.org'];
  return execFileSync('git', [...author, ...args], { cwd: folder, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });
}

/** Makes it in the folder and returns its `file://` URL. */
export function makeSampleRepository(folder: string): string {
  cpSync(sample, folder, { recursive: true });
  git(folder, 'init', '--quiet', '--initial-branch=main');
  git(folder, 'add', '--all');
  git(folder, 'commit', '--quiet', '--message', 'Sums, with a mistake');
  return pathToFileURL(folder).href;
}

/** Takes one ref of another repository over, and nothing else. */
export function fetchInto(folder: string, from: string, refspec: string): void {
  git(folder, 'fetch', '--quiet', '--no-tags', '--no-write-fetch-head', from, refspec);
}

/** Applies a diff to a fresh clone and runs the sample's tests there: whether the repair is one, by a look that asks no agent. */
export function passesWith(diff: string, repository: string, clone: string): boolean {
  git('/', 'clone', '--quiet', repository, clone);
  execFileSync('git', ['apply', '-'], { cwd: clone, input: diff });
  try {
    execFileSync(process.execPath, ['--test'], { cwd: clone, stdio: 'pipe', env: { PATH: process.env.PATH ?? '' } });
    return true;
  } catch {
    return false;
  }
}
