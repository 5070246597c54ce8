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
  /** Fetches the mirror and makes the worktree. @throws WritError `repository_unavailable`, `limit_unenforceable` (disk). */
  abstract create(
    request: { agentId: string; repository: string; branch: string },
    signal: AbortSignal,
  ): Promise<Worktree>;

  /** Commits what the agent left uncommitted on its branch and says what changed since `base`; null when nothing did. */
  abstract harvest(agentId: string, message: string): Promise<Harvest | null>;

  /** Unified diff from `base` to the agent's branch, or to its kept ref after removal. Cut at `bytesMax`. */
  abstract diff(agentId: string, bytesMax: number): Promise<Diff>;

  /** Preflight, keep (`refs/writ/kept/<agentId>` in the mirror), then remove. Never removes what could not be kept. Idempotent. */
  abstract remove(agentId: string): Promise<'removed' | 'absent'>;

  /** Agents that have a worktree on disk: for recovery at boot. */
  abstract known(): Promise<readonly string[]>;
}
