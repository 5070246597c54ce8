// Checkpoints room: HEAD of the agent's own git folder goes back too. That folder is the agent's: it is written as plain files and never opened
// with git, and a link on the way is taken away instead of followed. Its other branches and its stash stay.
import { copyFile, lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deleteTree } from '../delete-tree.js';
import { git } from '../git.js';
import type { Places, WorktreeRecord } from '../records.js';
import { agentBranch } from '../refs.js';
import type { About } from './cellar.js';

/** Nothing when there is no git folder any more: the files are back all the same. */
export async function restoreHead(places: Places, { agentId, base }: WorktreeRecord, about: About): Promise<void> {
  const gitDir = join(places.tree, '.git');
  if (!(await isFolder(gitDir))) return;
  const { head = base, branch = agentBranch(agentId) } = about;
  const scratch = join(places.checkpoints, 'head');
  await rm(scratch, { recursive: true, force: true });
  await mkdir(scratch, { mode: 0o700 });
  try {
    if (head !== base) await bringObjects(places, { base, head }, { scratch, gitDir });
    const index = join(scratch, 'index');
    await git(['read-tree', head], { gitDir: places.git, env: { GIT_INDEX_FILE: index } });
    for (const lock of ['index.lock', 'HEAD.lock']) await deleteTree(join(gitDir, lock));
    await copyFile(index, await cleared(gitDir, 'index'));
    await writeFile(await cleared(gitDir, 'refs', 'heads', ...branch.split('/')), `${head}\n`);
    await writeFile(await cleared(gitDir, 'HEAD'), `ref: refs/heads/${branch}\n`);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** The agent may have thrown away what it went on from: the commits above its base are given back to it as one pack. */
async function bringObjects(
  { git: host }: Places,
  { base, head }: { readonly base: string; readonly head: string },
  { scratch, gitDir }: { readonly scratch: string; readonly gitDir: string },
): Promise<void> {
  const input = `${head}\n^${base}\n`;
  await git(['pack-objects', '--quiet', '--revs', join(scratch, 'pack')], { gitDir: host, input });
  for (const name of await readdir(scratch))
    await copyFile(join(scratch, name), await cleared(gitDir, 'objects', 'pack', name));
}

/** The path, with plain folders all the way to it and nothing there. */
async function cleared(folder: string, ...names: readonly string[]): Promise<string> {
  const [first = '', ...rest] = names;
  const path = join(folder, first);
  if (rest.length === 0) {
    await deleteTree(path);
    return path;
  }
  if (!(await isFolder(path))) {
    await rm(path, { force: true });
    await mkdir(path);
  }
  return cleared(path, ...rest);
}

async function isFolder(path: string): Promise<boolean> {
  return lstat(path).then(
    (stat) => stat.isDirectory(),
    () => false,
  );
}
