// Where agents work: one bare mirror per repository, one worktree and branch per agent.
// This file is the face that the spawner and the clean-up know.

/** A worktree handed to an agent. `base` is the commit it branched from. */
export interface Worktree {
  readonly agentId: string;
  readonly path: string;
  /** The agent's own branch: `writ/<agentId>`. */
  readonly branch: string;
  readonly base: string;
}

export interface Harvest {
  readonly branch: string;
  readonly commit: string;
  readonly changes: { readonly files: number; readonly insertions: number; readonly deletions: number };
}

export interface Diff {
  readonly text: string;
  readonly truncated: boolean;
}

export abstract class Worktrees {
  /** Fetches the mirror and makes the worktree; the one that is there when there is one. @throws WritError `repository_unavailable`, `limit_unenforceable` (disk). */
  abstract create(
    request: { agentId: string; repository: string; branch: string },
    signal: AbortSignal,
  ): Promise<Worktree>;

  /**
   * Takes over the commits that the agent made, commits above them what it left uncommitted, and says what changed since `base`;
   * null when nothing did. Only when nothing of the agent lives any more: @throws WritError `invalid_transition`.
   */
  abstract harvest(agentId: string, message: string): Promise<Harvest | null>;

  /** Unified diff from `base` to what was harvested, also after the removal; empty before. Cut at `bytesMax`. */
  abstract diff(agentId: string, bytesMax: number): Promise<Diff>;

  /**
   * Preflight, keep (`refs/writ/kept/<agentId>` in the mirror), then remove. Never removes what could not be kept. Idempotent.
   * @throws WritError `invalid_transition` while the agent lives.
   */
  abstract remove(agentId: string): Promise<'removed' | 'absent'>;

  /** Agents that have a worktree on disk: for recovery at boot. */
  abstract known(): Promise<readonly string[]>;
}
