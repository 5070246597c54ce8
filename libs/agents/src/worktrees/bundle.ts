// Worktrees room: an agent's branch as a git bundle, made by the host's git from the host's own objects. [ADR 6]
import { rm } from 'node:fs/promises';
import { WritError } from '#protocol';
import { layHostFolder } from './agent-repository.js';
import { git, GitFailure } from './git.js';
import type { HarvestedWork } from './worktrees.js';

interface Source extends HarvestedWork {
  /** A git folder of ours that has both commits. */
  readonly from: string;
  readonly ref: string;
}

/**
 * In a repository of its own that borrows the objects: so the ref has the name that the reader expects, wherever the commit is kept.
 * One thread packs, so that the same work gives the same bytes. @throws WritError `too_large`
 */
export async function writeBundle(source: Source, to: { file: string; bytesMax: number }): Promise<void> {
  const { from, ref, base, commit } = source;
  const gitDir = `${to.file}.git`;
  try {
    await layHostFolder(gitDir, from, 'main');
    await git(['update-ref', ref, commit], { gitDir });
    const run = { gitDir, fileBytesMax: to.bytesMax, config: ['pack.threads=1'] };
    await git(['bundle', 'create', '--quiet', '--version=2', to.file, `^${base}`, ref], run);
  } catch (error) {
    throw error instanceof GitFailure && isOverLimit(error) ? tooLarge(to.bytesMax) : error;
  } finally {
    await rm(gitDir, { recursive: true, force: true });
  }
}

/** The kernel ends whoever writes beyond the limit on a file, git or the packer that it started. */
function isOverLimit({ complaint }: GitFailure): boolean {
  return /SIGXFSZ|signal 25|File too large|pack-objects died/.test(complaint);
}

function tooLarge(bytesMax: number): WritError {
  return new WritError(
    'too_large',
    `The branch does not fit into a bundle of ${bytesMax} bytes; a push has no such limit.`,
  );
}
