// What a close would take away, said in a sentence: the report of a refusal.
import { WritError } from '#protocol';
import type { Preflight } from '../worktrees/worktrees.js';

export function refusal({ dirty, unpushed }: Preflight): WritError {
  const parts = [
    ...(dirty > 0 ? [`${dirty} files that are not committed`] : []),
    ...(unpushed > 0 ? [`${unpushed} commits that no branch of the repository has`] : []),
  ];
  const detail = `At risk: ${parts.join(' and ')}. Have them pushed, or close by force: they stay under a kept ref.`;
  return new WritError('invalid_transition', detail, { field: 'force' });
}
