// Worktrees room: what an agent works in, and how its commits come out.
// The agent has a whole, shallow git folder of its own in the worktree, which the host never opens with git. The host has another one
// beside it, out of the agent's reach, for the same tree: its configuration, hooks and index are ours.
import { appendFile, copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { git, GitFailure, gitLine } from './git.js';
import type { Places } from './records.js';
import { agentBranch, baseRef, otherRefs } from './refs.js';
import { copyLooseObjects, packs, readTips } from './untrusted.js';

/** Where an agent starts from. `historyDepth` is how many commits it can look back. */
export interface Origin {
  readonly agentId: string;
  readonly mirror: string;
  readonly branch: string;
  readonly base: string;
  readonly historyDepth: number;
}

const fetchQuietly = ['fetch', '--quiet', '--no-tags', '--no-write-fetch-head'] as const;
const ownPacks = 'writ-packs';
/** `checkStat`: the numbers of users differ inside, and git would read every file again. `gc`: objects stay as they were written. */
const agentConfig = `[user]
\tname = Writ agent
\temail = agent@writ.invalid
[core]
\tcheckStat = minimal
[gc]
\tauto = 0
`;

/** Host's git folder first, then the files, then the agent's own git folder. */
export async function layRepository(places: Places, origin: Origin, signal: AbortSignal): Promise<void> {
  const { agentId, mirror, base } = origin;
  await mkdir(places.tree, { recursive: true, mode: 0o755 });
  await layHostFolder(places.git, mirror, agentBranch(agentId));
  await git(['update-ref', `refs/heads/${agentBranch(agentId)}`, base], { gitDir: places.git, signal });
  await git(['read-tree', '--reset', '-u', base], { gitDir: places.git, workTree: places.tree, signal });
  await layAgentFolder(places, origin, signal);
}

/** Empty and bare, reading the mirror's objects as its own. */
export async function layHostFolder(folder: string, mirror: string, branch: string): Promise<void> {
  await git(['init', '--quiet', '--bare', '--template=', `--initial-branch=${branch}`, '--', folder]);
  await mkdir(join(folder, 'objects', 'info'), { recursive: true });
  await writeFile(join(folder, 'objects', 'info', 'alternates'), `${join(mirror, 'objects')}\n`);
}

/** Complete in itself: no object folder is shared, so that an agent sees its own branch's history and nothing else of the mirror. */
async function layAgentFolder(places: Places, origin: Origin, signal: AbortSignal): Promise<void> {
  const { agentId } = origin;
  const init = ['--quiet', '--template=', `--initial-branch=${agentBranch(agentId)}`];
  await git(['init', ...init, '--', places.tree], { signal });
  await fetchBase(places, origin, signal);
  await appendFile(join(places.tree, '.git', 'config'), agentConfig);
  await noteState(places);
}

async function fetchBase(places: Places, origin: Origin, signal: AbortSignal): Promise<void> {
  const { agentId, mirror, branch, historyDepth } = origin;
  const gitDir = join(places.tree, '.git');
  const refs = [`refs/remotes/origin/${branch}`, `refs/heads/${agentBranch(agentId)}`];
  const args = ['--update-head-ok', `--depth=${historyDepth}`, '--end-of-options', pathToFileURL(mirror).href];
  const refspecs = refs.map((ref) => `+${baseRef(agentId)}:${ref}`);
  await git([...fetchQuietly, ...args, ...refspecs], { gitDir, signal, config: ['fetch.unpackLimit=1'] });
}

/** What the agent finds staged, and which packs in its git folder are ours. */
async function noteState({ tree, git: host }: Places): Promise<void> {
  const gitDir = join(tree, '.git');
  await copyFile(join(host, 'index'), join(gitDir, 'index'));
  await writeFile(join(host, ownPacks), (await readdir(join(gitDir, 'objects', 'pack'))).join('\n'));
}

/** A worktree that no agent has seen becomes an agent's: the branch gets its name in both git folders. They are ours, so files do. */
export async function adopt(places: Places, made: Origin, wanted: Origin): Promise<void> {
  const [before, after] = [agentBranch(made.agentId), agentBranch(wanted.agentId)];
  for (const gitDir of [places.git, join(places.tree, '.git')]) {
    await rename(join(gitDir, 'refs', 'heads', before), join(gitDir, 'refs', 'heads', after));
    await writeFile(join(gitDir, 'HEAD'), `ref: refs/heads/${after}\n`);
    await rm(join(gitDir, 'logs'), { recursive: true, force: true });
  }
}

/**
 * Brings one that was made at an earlier commit of the branch to the base: what differs is written and fetched, nothing else.
 * @throws GitFailure also when the earlier commit is none of the base's past: then its objects are nobody's to see.
 */
export async function forward(places: Places, made: Origin, wanted: Origin, signal: AbortSignal): Promise<void> {
  const { agentId, mirror, base } = wanted;
  await git(['merge-base', '--is-ancestor', made.base, base], { gitDir: mirror, signal });
  const onHost = { gitDir: places.git, signal };
  await git(['update-ref', `refs/heads/${agentBranch(agentId)}`, base], onHost);
  await git(['read-tree', '--reset', '-u', base], { ...onHost, workTree: places.tree });
  await fetchBase(places, wanted, signal);
  await noteState(places);
}

/**
 * Brings the commits that the agent made into the host's git folder and returns the newest that its HEAD names; the base when there
 * are none, or none that descend from it, or when what the agent left as its git folder is not sound. Those on other branches
 * come along below `otherRefs`; `others` says whether there are any.
 */
export async function takeCommits(
  places: Places,
  { mirror, base }: Pick<Origin, 'mirror' | 'base'>,
): Promise<{ readonly head: string; readonly others: boolean }> {
  const tips = await readTips(join(places.tree, '.git'));
  const head = tips.head ?? base;
  const others = tips.others.filter((tip) => tip !== base);
  if (head === base && others.length === 0) return { head: base, others: false };
  const all = await take(places, mirror, head, others);
  const taken = all || (others.length > 0 && (await take(places, mirror, head, [])));
  const sound = taken && (await descends(places.git, head, base));
  return { head: sound ? head : base, others: all && others.length > 0 };
}

/** All or nothing: false when one of the commits is not sound or not all there. */
async function take(places: Places, mirror: string, head: string, others: readonly string[]): Promise<boolean> {
  try {
    await quarantine(places, mirror);
    const wanted = others.map((tip, index) => `update ${otherRefs}/${index} ${tip}\n`);
    const input = [`update refs/heads/head ${head}\n`, ...wanted].join('');
    await git(['update-ref', '--stdin'], { gitDir: places.quarantine, input });
    const refspecs = ['+refs/heads/head:refs/writ/taken', `+${otherRefs}/*:${otherRefs}/*`];
    const args = ['--prune', '--end-of-options', places.quarantine, ...refspecs];
    await git([...fetchQuietly, ...args], { gitDir: places.git, config: ['fetch.fsckObjects=true'] });
    return true;
  } catch (error) {
    if (error instanceof GitFailure) return false;
    throw error;
  } finally {
    await rm(places.quarantine, { recursive: true, force: true });
  }
}

async function descends(gitDir: string, commit: string, base: string): Promise<boolean> {
  try {
    return (await gitLine(['merge-base', commit, base], { gitDir })) === base;
  } catch (error) {
    // No common ancestor at all.
    if (error instanceof GitFailure) return false;
    throw error;
  }
}

/** A repository of ours with the agent's objects in it, each of them checked: the only door from the agent's git folder to ours. */
async function quarantine({ tree, git: host, quarantine: folder }: Places, mirror: string): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await layHostFolder(folder, mirror, 'head');
  const known = new Set((await readFile(join(host, ownPacks), 'utf8')).split('\n'));
  await copyLooseObjects(join(tree, '.git'), join(folder, 'objects'));
  for await (const pack of packs(join(tree, '.git'), known))
    await git(['index-pack', '--stdin', '--fix-thin', '--strict'], { gitDir: folder, input: pack });
}
