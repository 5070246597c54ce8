// Worktrees room: the files of a worktree as a commit, made by the host with its own git folder and index.
// Filters, attributes' drivers and hooks have no program here: they are named in configuration only, and the configuration is ours.
import { randomUUID } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { runProcess } from '../processes/run.js';
import { git, GitFailure, gitLine } from './git.js';
import type { Places } from './records.js';

const nestedDepthMax = 20;

/** A commit with what lies in the tree above `parent`; `parent` itself when it has all of it. Ignored files are left out. */
export async function snapshot(places: Places, parent: string, message: string): Promise<string> {
  const inTree = { gitDir: places.git, workTree: places.tree };
  await git(['read-tree', '--reset', parent], inTree);
  await unnest(places);
  await addAll(places);
  const tree = await gitLine(['write-tree'], inTree);
  if (tree === (await gitLine(['rev-parse', '--verify', `${parent}^{tree}`], inTree))) return parent;
  return gitLine(['commit-tree', tree, '-p', parent, '-F', '-'], { ...inTree, input: message });
}

/** What an agent made unreadable to itself is opened first. Names that git refuses in every repository (`.GIT`) are left out. */
async function addAll({ git: gitDir, tree: workTree }: Places): Promise<void> {
  try {
    await git(['add', '--all', '--', '.'], { gitDir, workTree });
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    await openUp(workTree);
    await git(['add', '--all', '--ignore-errors', '--', '.'], { gitDir, workTree }).catch((again: unknown) => {
      if (!(again instanceof GitFailure && /invalid path|unable to add/.test(again.complaint))) throw again;
    });
  }
}

/** Lets the owner read, write and enter everything; links are not followed. */
export async function openUp(folder: string): Promise<void> {
  await runProcess(['chmod', '-R', 'u+rwX', '--', folder]);
}

/**
 * A repository inside the worktree would be taken for a submodule and its files lost: its git folder is moved out of the way.
 * A folder that the agent closed to itself git would pass over in silence: everything is opened first.
 */
async function unnest({ git: gitDir, tree: workTree, folder }: Places): Promise<void> {
  await mkdir(join(folder, 'nested'), { recursive: true });
  for (let depth = 0; depth < nestedDepthMax; depth++) {
    const listed = await git(['ls-files', '--others', '--exclude-standard', '-z'], { gitDir, workTree });
    if (depth === 0 && listed.complaint.includes('could not open directory')) {
      await openUp(workTree);
      continue;
    }
    const nested = listed.text.split('\0').filter((name) => name.endsWith('/'));
    if (nested.length === 0) return;
    for (const name of nested) await rename(join(workTree, name, '.git'), join(folder, 'nested', randomUUID()));
  }
}
