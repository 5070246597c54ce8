// Checkpoints room: the files of a worktree as a tree of git, through an index of our own. The files are read and nothing is changed: what
// cannot be read, or is too much, is said instead. A repository inside the worktree is taken for what it is, a folder with files.
import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { git, GitFailure, gitLine, type GitRun } from '../git.js';
import type { Places } from '../records.js';
import type { Cellar } from './cellar.js';
import { indexSum } from './note.js';

/** Why there is no checkpoint, in a sentence without anything of the agent's in it. */
export class Unkept extends Error {
  override readonly name = 'Unkept';
}

/** It can be read once it is opened, which is for those to do who may change the worktree. */
export class Closed extends Unkept {}

export interface Bounds {
  readonly bytesMax: number;
  readonly signal?: AbortSignal | undefined;
  /** The tree of an index, by its checksum. */
  readonly known?: { readonly index: string; readonly tree: string } | undefined;
}

const lookWidth = 256;
const nestedMax = 1_000;
/** Names that no repository of git can have are passed over, as when work is kept. */
const passedOver = /invalid path|does not have a commit checked out|unable to add|unable to index file/;
const unreadable = /could not open directory|Permission denied|failed to read/i;

/** @throws Unkept; the signal's reason. */
export async function pictureOf(cellar: Cellar, places: Places, bounds: Bounds): Promise<string> {
  const run = { ...cellar.over('index'), signal: bounds.signal, fileBytesMax: bounds.bytesMax };
  try {
    const seen = await changedIn(run);
    const isNested = seen.some((path) => path.endsWith('/'));
    const barren = isNested ? await takeUpNested(run) : [];
    const paths = isNested ? await changedIn(run) : seen;
    await refuseTooMuch(places.tree, paths, bounds.bytesMax);
    if (paths.length > 0) await addAll(run);
    if (barren.length > 0)
      await git(['update-index', '--force-remove', '-z', '--stdin'], { ...run, input: named(barren) });
    const isKnown = bounds.known !== undefined && bounds.known.index === (await indexSum(cellar.gitDir));
    return isKnown ? bounds.known.tree : await gitLine(['write-tree'], run);
  } catch (error) {
    bounds.signal?.throwIfAborted();
    throw error instanceof GitFailure && error.isLate ? new Unkept('Reading the files took too long.') : error;
  }
}

/** New, changed and deleted files against the index; a repository without files of its own ends with `/`. @throws Unkept */
export async function changedIn(run: GitRun, ...kinds: readonly string[]): Promise<readonly string[]> {
  const which = kinds.length > 0 ? kinds : ['--others', '--modified', '--deleted'];
  const listed = await git(['ls-files', ...which, '--exclude-standard', '-z'], run);
  if (unreadable.test(listed.complaint)) throw new Closed('The agent has closed a folder, so that it cannot be read.');
  if (listed.truncated) throw new Unkept('There are too many new files.');
  return [...new Set(listed.text.split('\0').filter(Boolean))];
}

/** Once a file of it is in the index, git takes a repository for a folder like any other. Returns those without any file. */
async function takeUpNested(run: GitRun): Promise<readonly string[]> {
  const seen = new Set<string>();
  const barren: string[] = [];
  for (;;) {
    const nested = (await changedIn(run, '--others')).filter((path) => path.endsWith('/') && !seen.has(path));
    if (nested.length === 0) return barren;
    for (const path of nested) {
      if (seen.size >= nestedMax) throw new Unkept('There are too many repositories inside the worktree.');
      seen.add(path);
      if (!(await takeUp(run, path))) barren.push(path);
    }
  }
}

async function takeUp(run: GitRun, path: string): Promise<boolean> {
  const none = { GIT_INDEX_FILE: join(run.gitDir ?? '', 'none') };
  const inside = { ...run, workTree: join(run.workTree ?? '', path), env: { ...run.env, ...none } };
  const [first] = (await changedIn(inside, '--others')).filter((file) => !file.endsWith('/'));
  if (first === undefined) return false;
  await git(['update-index', '--add', '-z', '--stdin'], { ...run, input: `${path}${first}\0` });
  return true;
}

function named(folders: readonly string[]): string {
  return folders.map((path) => `${path.slice(0, -1)}\0`).join('');
}

async function addAll(run: GitRun): Promise<void> {
  await git(['add', '--all', '--ignore-errors', '--', '.'], run).catch((error: unknown) => {
    const complaint = error instanceof GitFailure ? error.complaint : '';
    if (unreadable.test(complaint)) throw new Closed('The agent has closed a file, so that it cannot be read.');
    if (!passedOver.test(complaint)) throw error;
  });
}

/** A sparse file counts as large as it says it is: it would be read to its end. @throws Unkept */
export async function refuseTooMuch(tree: string, paths: readonly string[], bytesMax: number): Promise<void> {
  let bytes = 0;
  for (let at = 0; at < paths.length; at += lookWidth) {
    const stats = await Promise.all(
      paths.slice(at, at + lookWidth).map((path) => lstat(join(tree, path)).catch(nothing)),
    );
    bytes += stats.reduce((sum, stat) => sum + (stat?.isFile() ? stat.size : 0), 0);
    if (bytes > bytesMax) throw new Unkept(`New and changed files are larger than ${bytesMax} bytes together.`);
  }
}

function nothing(): Stats | undefined {
  return undefined;
}
