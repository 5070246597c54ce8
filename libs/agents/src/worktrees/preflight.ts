// Worktrees room: a look at what a worktree has that is nowhere else, before anything is removed. [W-1]
import { takeCommits } from './agent-repository.js';
import { git, gitLine } from './git.js';
import type { Places } from './records.js';
import { headRef } from './refs.js';
import type { Preflight } from './worktrees.js';

interface Beginning {
  readonly mirror: string;
  readonly branch: string;
  readonly base: string;
  readonly harvested?: string | undefined;
}

/** The agent's newest commit, or what was harvested above it. `others`: there are commits on other branches of its own. */
export async function topOf(
  places: Places,
  { harvested, ...origin }: Omit<Beginning, 'branch'>,
): Promise<{ readonly top: string; readonly others: boolean }> {
  const { head, others } = await takeCommits(places, origin);
  const top = harvested && (await isAncestor(places.git, head, harvested)) ? harvested : head;
  return { top, others };
}

/** @throws GitFailure when the worktree or the mirror cannot be read: then nothing may be removed. */
export async function preflight(places: Places, beginning: Beginning): Promise<Preflight> {
  const { mirror, branch, base } = beginning;
  const { top } = await topOf(places, beginning);
  const listed = await git(['for-each-ref', '--format=%(objectname)', 'refs/writ/heads/'], { gitDir: mirror });
  const heads = listed.text.split('\n').filter(Boolean);
  const own = await gitLine(['rev-parse', '--verify', headRef(branch)], { gitDir: mirror });
  return {
    dirty: await dirty(places, top),
    unpushed: await commits(places.git, top, [base, ...heads]),
    unmerged: await commits(places.git, top, [base, own]),
  };
}

/** Files that differ from the commit, new and deleted ones among them; ignored ones are left out, as when work is kept. */
async function dirty({ git: gitDir, tree: workTree }: Places, commit: string): Promise<number> {
  await git(['read-tree', '--reset', commit], { gitDir, workTree });
  const which = ['--modified', '--deleted', '--others', '--exclude-standard', '-z'];
  const { text } = await git(['ls-files', ...which], { gitDir, workTree });
  return new Set(text.split('\0').filter(Boolean)).size;
}

async function commits(gitDir: string, top: string, without: readonly string[]): Promise<number> {
  const input = [top, ...without.map((commit) => `^${commit}`)].join('\n');
  return Number(await gitLine(['rev-list', '--count', '--stdin'], { gitDir, input: `${input}\n` }));
}

async function isAncestor(gitDir: string, older: string, newer: string): Promise<boolean> {
  return (await gitLine(['rev-list', '--max-count=1', older, `^${newer}`], { gitDir })) === '';
}
