// Remotes room: an agent's branch goes to its remote. Created or moved forward, never forced: the server takes it only if its
// branch is still where it was when we looked. What is there already is not sent twice.
import { git, GitFailure, gitLine, type GitRun } from '../git.js';
import { ownWords, reasonOf } from './reasons.js';

export interface Push {
  readonly repository: string;
  /** The host's git folder that has the commit. */
  readonly gitDir: string;
  readonly commit: string;
  readonly branch: string;
  /** Whether the branch may also be the one that the remote shows by default. */
  readonly evenDefault: boolean;
}

/** Null when the remote has it; else why not, in a sentence without secrets. */
export type Unpushed = { readonly reason: string; readonly cause?: unknown } | null;

const pushQuietly = ['--porcelain', '--no-verify', '--no-follow-tags', '--recurse-submodules=no', '--no-signed'];
const lsRemote = ['ls-remote', '--symref', '--end-of-options'] as const;

/** @throws the signal's reason when it was aborted: then nobody knows. */
export async function push(wish: Push, transport: GitRun): Promise<Unpushed> {
  const run = { ...transport, gitDir: wish.gitDir };
  try {
    return (await refusedDefault(wish, run)) ?? (await send(wish, run));
  } catch (cause) {
    if (!(cause instanceof GitFailure)) throw cause;
    return { reason: reasonOf(cause, run.timeMsMax ?? 0), cause };
  }
}

/** A remote that does not say which branch is its default may mean any: then the usual names count. */
async function refusedDefault({ repository, branch, evenDefault }: Push, run: GitRun): Promise<Unpushed> {
  if (evenDefault) return null;
  const { text } = await git([...lsRemote, repository, 'HEAD'], run);
  const [, shown] = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(text) ?? [];
  const usual = shown === undefined ? ['main', 'master', 'trunk'] : [shown];
  if (!usual.includes(branch)) return null;
  return { reason: `\`${branch}\` is the default branch of the remote: it has to be named in full to be pushed to.` };
}

async function send(wish: Push, run: GitRun): Promise<Unpushed> {
  const { repository, commit, branch } = wish;
  try {
    const args = [...pushQuietly, '--end-of-options', repository, `${commit}:refs/heads/${branch}`];
    await git(['push', ...args], run);
    return null;
  } catch (cause) {
    if (!(cause instanceof GitFailure)) throw cause;
    const isRejected = /^!\t/m.test(cause.output);
    if (!isRejected) throw cause;
    return (await contains(wish, run)) ? null : { reason: rejection(cause, branch), cause };
  }
}

/** Somebody may have gone on from our commit since it got there. */
async function contains({ repository, commit, branch }: Push, run: GitRun): Promise<boolean> {
  const ref = 'refs/writ/pushed';
  try {
    const args = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-recurse-submodules', '--end-of-options'];
    await git(['fetch', ...args, repository, `+refs/heads/${branch}:${ref}`], run);
    return (await gitLine(['rev-list', '--max-count=1', commit, `^${ref}`], run)) === '';
  } catch (error) {
    if (error instanceof GitFailure) return false;
    throw error;
  }
}

function rejection({ output, complaint }: GitFailure, branch: string): string {
  if (/\[remote rejected\]|declined/.test(output + ownWords(complaint)))
    return `The remote refuses \`${branch}\`: it is protected there, or a hook says no.`;
  return `\`${branch}\` of the remote has moved, or never was part of this work: it is not overwritten.`;
}
