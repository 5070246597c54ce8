// What a close would take away, said in a sentence: the report of a refusal.
import { WritError } from '#protocol';
import type { Preflight } from '../worktrees/worktrees.js';

const listed = new Intl.ListFormat('en-GB');

export function refusal({ dirty, unpushed, unmerged }: Preflight): WritError {
  const parts = [
    ...(dirty > 0 ? [`${dirty} files that are not committed`] : []),
    ...(unpushed > 0 ? [`${unpushed} commits that no branch of the repository has`] : []),
    ...(unmerged > 0 ? [`${unmerged} commits that are not merged into the branch it began with`] : []),
  ];
  const detail = `At risk: ${listed.format(parts)}. Have them pushed, or close by force: they stay under a kept ref.`;
  return new WritError('invalid_transition', detail, { field: 'force' });
}
