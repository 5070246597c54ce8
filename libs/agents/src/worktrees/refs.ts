// Worktrees room: where commits are found, in a mirror and in the host's git folder of an agent.
import { createHash } from 'node:crypto';

/** In a mirror: a branch of the repository as it was last fetched. */
export function headRef(branch: string): string {
  return `refs/writ/heads/${createHash('sha256').update(branch).digest('hex')}`;
}

import { agentBranch } from '#protocol';

/** The agent's branch, in its own git folder and in the host's. */
export { agentBranch };

/** In a mirror: the commit that an agent began with. */
export function baseRef(agentId: string): string {
  return `refs/writ/base/${agentId}`;
}

/** The last state of an agent's worktree, whole. */
export function keptRef(agentId: string): string {
  return `refs/writ/kept/${agentId}`;
}

/** In the host's folder: commits of the agent that its HEAD does not name, from other branches and the stash. */
export const otherRefs = 'refs/writ/other';

/** In the repository of an agent's checkpoints: what was there before that turn. */
export function checkpointRef(agentId: string, turn: number): string {
  return `${checkpointRefs(agentId)}${turn}`;
}

/** There too: one that was made ahead of its turn, and does not count yet. */
export const aheadRef = 'refs/writ/ahead';

export function checkpointRefs(agentId: string): string {
  return `refs/writ/checkpoints/${agentId}/`;
}

/** What a mirror takes from the host's folder: the last state, what was harvested, and what lay on other branches. */
export function keptRefspecs(agentId: string): readonly string[] {
  return [
    `+${keptRef(agentId)}:${keptRef(agentId)}`,
    `+refs/heads/${agentBranch(agentId)}:refs/writ/harvested/${agentId}`,
    `+${otherRefs}/*:refs/writ/kept-others/${agentId}/*`,
  ];
}
