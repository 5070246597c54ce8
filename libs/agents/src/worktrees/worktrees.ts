// Where agents work: one bare mirror per repository, one worktree and branch per agent.
// This file is the face that the spawner and the clean-up know.
import type { Checkpoints } from './checkpoints/checkpoints.js';

/** A worktree handed to an agent. `base` is the commit it branched from. */
export interface Worktree {
  readonly agentId: string;
  readonly path: string;
  /** The agent's own branch: `writ/<agentId>`. */
  readonly branch: string;
  readonly base: string;
}

/** A mirror; `usedAtMs` is when an agent last had to do with it. `inUse`: it holds a worktree or kept work. */
export interface StoredMirror {
  readonly id: string;
  /** Unknown when no agent's record names it any more. */
  readonly repository?: string;
  readonly bytes: number;
  readonly usedAtMs: number;
  readonly inUse: boolean;
}

/** Work of an agent whose worktree is gone; `bytes` are those that only it needs. */
export interface KeptWork {
  readonly agentId: string;
  readonly mirror: string;
  readonly bytes: number;
  readonly keptAtMs: number;
}

export abstract class Stock {
  /** On disk, mirrors and worktrees together. */
  abstract bytes(): Promise<number>;
  /** Of one worktree: its size and when it last changed state. */
  abstract worktree(agentId: string): Promise<{ readonly bytes: number; readonly changedAtMs: number }>;
  /** The ref under which the work of an agent is kept, if there was any. */
  abstract keptRef(agentId: string): Promise<string | undefined>;
  abstract mirrors(): Promise<readonly StoredMirror[]>;
  /** Oldest first. */
  abstract kept(): Promise<readonly KeptWork[]>;
  /** Away with worktrees that were made ahead; true when there were any. */
  abstract dropReady(): Promise<boolean>;
  /** False when it came into use meanwhile: then it stays. */
  abstract dropMirror(id: string): Promise<boolean>;
  /** For good. The disk is freed by the next `compact` of its mirror. */
  abstract dropKept(work: KeptWork): Promise<void>;
  /** Frees what nothing names any more and is older than `graceMs`. */
  abstract compact(mirror: string, graceMs: number): Promise<void>;
}

export interface Harvest {
  readonly branch: string;
  readonly commit: string;
  readonly changes: { readonly files: number; readonly insertions: number; readonly deletions: number };
}

/** What was harvested last. */
export interface HarvestedWork {
  readonly base: string;
  readonly commit: string;
}

export interface Diff {
  readonly text: string;
  readonly truncated: boolean;
}

/** Something that a push or a diff would show: a file's content, or a commit with its message and names. */
export interface OutgoingPiece {
  readonly kind: 'commit' | 'file';
  /** Every path under which a commit put it, or the commit's hash. */
  readonly names: readonly string[];
  readonly bytes: Buffer;
}

/** All that is in the harvested work and was not in the repository before, every commit on the way included. */
export interface Outgoing {
  readonly commit: string;
  /** Every path that a commit touched. */
  readonly paths: readonly string[];
  /** In groups of a few MiB. */
  added(): AsyncIterable<readonly OutgoingPiece[]>;
  /** Files as they were at the base, of those that are changed or gone; too large ones are left out. */
  before(): AsyncIterable<readonly OutgoingPiece[]>;
}

export interface OutgoingBounds {
  readonly fileBytesMax: number;
  /** Of everything together. */
  readonly bytesMax: number;
}

/** What would be lost without a ref: files not committed; commits that no branch of the repository has, and that the agent's own branch has not. */
export interface Preflight {
  readonly dirty: number;
  readonly unpushed: number;
  readonly unmerged: number;
}

export abstract class Worktrees {
  /** What these worktrees leave on disk beside themselves: for the garbage collection. */
  abstract readonly stock: Stock;
  /** What an agent had before each of its turns. They go with its worktree. */
  abstract readonly checkpoints: Checkpoints;

  /** What is in a worktree that is nowhere else; null before anything could be. Only when nothing of the agent lives. Changes nothing of its files. */
  abstract preflight(agentId: string): Promise<Preflight | null>;

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

  /**
   * Sends what was harvested to a branch of its remote: created or moved forward, never forced. Idempotent: what the remote has
   * already is found. Null when it is there, else why it is not. Until the time of a fetch is up.
   * @throws WritError `invalid_transition` before the harvest; the signal's reason: then nobody knows.
   */
  abstract push(
    agentId: string,
    to: { readonly branch: string; readonly evenDefault: boolean },
    signal: AbortSignal,
  ): Promise<{ readonly reason: string; readonly cause?: unknown } | null>;

  /**
   * What would leave with the harvested work; null when there is none. Also after the removal.
   * @throws WritError `too_large` when it is beyond the bounds: then nobody has looked at all of it.
   */
  abstract outgoing(agentId: string, bounds: OutgoingBounds): Promise<Outgoing | null>;

  /** Unified diff from `base` to what was harvested, also after the removal; empty before. Cut at `bytesMax`. */
  abstract diff(agentId: string, bytesMax: number): Promise<Diff>;

  /** Null when there is nothing. Also after the removal. */
  abstract harvested(agentId: string): Promise<HarvestedWork | null>;

  /**
   * Writes the commits between as a git bundle to a file that is not there yet: one ref, the agent's branch; who has the base can take
   * it. Also after the removal. @throws WritError `too_large`
   */
  abstract bundle(agentId: string, work: HarvestedWork, to: { file: string; bytesMax: number }): Promise<void>;

  /**
   * Preflight, keep (`refs/writ/kept/<agentId>` in the mirror), then remove. Never removes what could not be kept. Idempotent.
   * @throws WritError `invalid_transition` while the agent lives.
   */
  abstract remove(agentId: string): Promise<'removed' | 'absent'>;

  /** Agents that have a worktree on disk: for recovery at boot. */
  abstract known(): Promise<readonly string[]>;
}
