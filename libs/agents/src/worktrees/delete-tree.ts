// Worktrees room: away with what an agent left, whatever it left.
import { rm } from 'node:fs/promises';
import { runProcess } from '../processes/run.js';
import { openUp } from './snapshot.js';

/** Folders that an agent closed to itself are opened for it. By names Node gets no deeper than a path may be long; `rm` goes by folders. */
export async function deleteTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true }).catch(async () => {
    await openUp(folder);
    await runProcess(['rm', '-rf', '--', folder]);
  });
}
