// What others see of the work of an agent: its diff, once the work is cleared.
import { WritError } from '#protocol';
import { whereverItIs } from '../worktrees/moving.js';
import type { Diff, Worktrees } from '../worktrees/worktrees.js';
import type { Work } from './allowed.js';
import type { Clearance } from './clearance.js';
import type { Guard } from './guard.js';
import type { SecretOptions } from './options.js';

/** A diff as it is shown; the rest is in the repository. */
const diffBytesMax = 512 * 1024;
const nothing: Diff = { text: '', truncated: false };

interface WindowParts {
  readonly worktrees: Worktrees;
  readonly clearance: Clearance;
  readonly guard: Guard;
  readonly options: SecretOptions;
}

export class Window {
  constructor(private readonly parts: WindowParts) {}

  /** Empty for an agent that left nothing. @throws WritError `withheld` */
  async diff(work: Work): Promise<Diff> {
    const verdict = await this.parts.clearance.of(work);
    if (verdict.kind !== 'clear') throw new WritError('withheld', verdict.reason);
    return whereverItIs(() => this.shown(work));
  }

  private async shown(work: Work): Promise<Diff> {
    const { worktrees, guard, options } = this.parts;
    const bounds = { fileBytesMax: options.fileBytesMax, bytesMax: options.workBytesMax };
    const outgoing = await worktrees.outgoing(work.agentId, bounds).catch(absent);
    if (!outgoing) return nothing;
    return guard.diff(await worktrees.diff(work.agentId, diffBytesMax), outgoing.before());
  }
}

/** It never got as far as a worktree. */
function absent(error: unknown): null {
  if (error instanceof WritError && error.code === 'not_found') return null;
  throw error;
}
