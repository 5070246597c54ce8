// Checkpoints room: the files of a worktree become those of a tree again. Nothing of the agent lives meanwhile. Git writes them, through our
// index and without a program of anybody's; it follows no link on the way and takes one away that lies in it.
import { randomUUID } from 'node:crypto';
import { lstat, mkdir, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../../processes/run.js';
import { git, GitFailure, gitLine, type GitRun } from '../git.js';
import type { Places } from '../records.js';
import { openUp } from '../snapshot.js';
import type { About, Cellar } from './cellar.js';
import { changedIn, Closed, refuseTooMuch, Unkept } from './picture.js';

const passesMax = 4;

interface Goal {
  readonly tree: string;
  /** The checkpoint of the state before. */
  readonly saved: About;
  readonly bytesMax: number;
}

/** Returns how many files could not be kept and are therefore left where they are. */
export async function restoreFiles(cellar: Cellar, places: Places, goal: Goal): Promise<number> {
  const inTree = cellar.over('index');
  for (let pass = 0; pass < passesMax; pass++) {
    await writeOut(inTree, goal.tree);
    const rest = await opening(places, () => changedIn(inTree));
    await setAside(
      places,
      rest.filter((path) => path.endsWith('/')),
    );
    const files = rest.filter((path) => !path.endsWith('/'));
    if (files.length === 0) return 0;
    if (!(await isKept(cellar, places, files, goal))) return files.length;
    await git(['update-index', '--add', '--remove', '-z', '--stdin'], { ...inTree, input: listed(files) });
  }
  return (await changedIn(inTree)).length;
}

/** What an agent closed to itself, and to a spoke that is not root, is opened for the look. */
export async function opening<T>({ tree }: Places, look: () => Promise<T>): Promise<T> {
  return look().catch(async (error: unknown) => {
    if (!(error instanceof Closed)) throw error;
    await openUp(tree);
    return look();
  });
}

async function writeOut(inTree: GitRun, tree: string): Promise<void> {
  const args = ['read-tree', '--reset', '-u', tree] as const;
  await git(args, inTree).catch(async (error: unknown) => {
    if (!(error instanceof GitFailure)) throw error;
    await openUp(inTree.workTree ?? '');
    await git(args, inTree);
  });
}

/**
 * What was ignored before and is not any more: the checkpoint of the state before has not got it. It is put in there, beside what it has,
 * before anything is removed. False when it is too much.
 */
async function isKept(cellar: Cellar, { tree }: Places, files: readonly string[], goal: Goal): Promise<boolean> {
  try {
    await refuseTooMuch(tree, files, goal.bytesMax);
  } catch (error) {
    if (error instanceof Unkept) return false;
    throw error;
  }
  const union = cellar.over('union');
  const before = await cellar.tree(goal.saved.turn);
  if (before === undefined) return false;
  await git(['read-tree', before], union);
  await git(['update-index', '--add', '--replace', '-z', '--stdin'], { ...union, input: listed(files) });
  const both = await gitLine(['write-tree'], union);
  await cellar.put(goal.saved, { tree: both, memory: await cellar.memory(goal.saved.turn) });
  return true;
}

/** A git folder that came since: moved out of the way, not deleted. */
async function setAside({ tree, folder }: Places, repositories: readonly string[]): Promise<void> {
  if (repositories.length === 0) return;
  await mkdir(join(folder, 'nested'), { recursive: true });
  for (const path of repositories) {
    await rename(join(tree, path, '.git'), join(folder, 'nested', randomUUID()));
    await rmdir(join(tree, path)).catch(() => undefined);
  }
}

/** The files of an agent in a container belong to its user: those that a spoke of root has written too. */
export async function ownAgain(tree: string): Promise<void> {
  const { uid, gid } = await lstat(tree);
  if (process.getuid?.() !== 0 || uid === 0) return;
  await runProcess(['chown', '--recursive', '--no-dereference', '-P', '--', `${uid}:${gid}`, tree]);
}

function listed(paths: readonly string[]): string {
  return paths.map((path) => `${path}\0`).join('');
}
