// The branch in a bundle becomes one of the repository that a person stands in. Who made it may be nobody's friend.
//
//   prerequisites there? ─► every object sound? ─► the branch, made or moved forward
//
// The second step is ours to ask for: `git fetch` from a bundle checks no object, whatever `fetch.fsckObjects` says (git before 2.46).
import { createReadStream } from 'node:fs';
import { WritError } from '#protocol';
import { git, GitFailure } from './git.js';
import type { World } from './world.js';

/** Not `--quiet`: git would not say why it did not move a branch. */
const alone = ['--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--no-auto-maintenance'];

export interface BundleFile {
  /** Where its pack begins, in bytes. */
  readonly packAt: number;
  /** The commit that it stands on. */
  readonly base: string;
}

/**
 * Never forced, and never the branch that is checked out. Nothing of it is kept when an object is not sound.
 * @throws WritError `invalid_request` for what is missing or taken here, `artifact_invalid`
 */
export async function takeBundle(
  world: World,
  file: string,
  { packAt, base }: BundleFile,
  [from, to]: readonly [string, string],
): Promise<void> {
  try {
    await git(world, ['bundle', 'verify', file]);
    await checked(world, file, packAt);
    await git(world, ['fetch', ...alone, '--end-of-options', file, `${from}:${to}`]);
  } catch (error) {
    if (!(error instanceof GitFailure)) throw error;
    throw refused(error, base, to.replace('refs/heads/', ''));
  }
}

async function checked(world: World, file: string, packAt: number): Promise<void> {
  const pack = createReadStream(file, { start: packAt });
  await git(world, ['index-pack', '--stdin', '--fix-thin', '--strict'], pack).catch((cause: unknown) => {
    if (!(cause instanceof GitFailure)) throw cause;
    const detail = `The branch holds what git does not take for sound, and nothing of it was kept: ${cause.said.slice(0, 300)}`;
    throw new WritError('artifact_invalid', detail, { cause });
  });
}

function refused(cause: GitFailure, base: string, branch: string): WritError {
  if (/prerequisite/.test(cause.said)) {
    const detail = `This repository lacks ${base}, which the agent began with: fetch the branch that it worked on first.`;
    return new WritError('invalid_request', detail, { cause });
  }
  const isTaken = /non-fast-forward|checked out|refusing to fetch/.test(cause.said);
  if (isTaken) {
    const detail = `\`${branch}\` is something else here, or is checked out: name another one with --branch.`;
    return new WritError('invalid_request', detail, { field: '--branch', cause });
  }
  return new WritError('internal', `git could not take the branch: ${cause.said.slice(0, 500)}`, { cause });
}
