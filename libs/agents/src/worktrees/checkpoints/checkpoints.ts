// Checkpoints room: the face. The files of an agent and its conversation as they were before each of its turns, and the way back to them.

/** What there is to go back to. `turn` is the number of the step before which it was so; `missing` says why there is nothing. */
export interface Checkpoint {
  readonly turn: number;
  /** What came next: a turn, or the way back to an older one. */
  readonly before: 'turn' | 'restore';
  /** ISO 8601. */
  readonly at: string;
  readonly missing?: string;
}

export interface CheckpointWish extends Omit<Checkpoint, 'missing'> {
  readonly memory: string | undefined;
  /** Asked when the files have been read: whether nothing of the agent moved meanwhile. What is not sure is not kept. */
  readonly unmoved: () => Promise<boolean>;
  /** The number of a checkpoint that is not given up for this one. */
  readonly sparing?: number;
  readonly signal?: AbortSignal;
}

export abstract class Checkpoints {
  /** False when this spoke keeps none. */
  abstract readonly areKept: boolean;

  /**
   * Keeps files (tracked, and untracked that are not ignored), the agent's HEAD and its conversation under one ref, in one step; changes
   * nothing that the agent can see. Only while nothing of the agent can move. (Before a restore, what it closed to itself is opened.) What cannot be kept is noted with the reason (`missing`).
   * @throws the signal's reason.
   */
  abstract take(agentId: string, wish: CheckpointWish): Promise<Checkpoint>;

  /** As `take`, ahead of its turn: it is not listed, and counts only when `count` says so. False when it cannot be kept; older ones may have gone for it. */
  abstract prepare(agentId: string, wish: CheckpointWish): Promise<boolean>;

  /** Whether files, HEAD and conversation are as they were when that turn was prepared. Changes nothing and keeps nothing; sure only while nothing moves. One start of git at most. */
  abstract isAsPrepared(agentId: string, wish: Pick<CheckpointWish, 'turn' | 'memory' | 'signal'>): Promise<boolean>;

  /** What was prepared is the checkpoint of that turn from now on, in one step; undefined when nothing was. Starts no git. */
  abstract count(agentId: string, turn: number): Promise<Checkpoint | undefined>;

  /** Oldest first. */
  abstract list(agentId: string): Promise<readonly Checkpoint[]>;

  /** The conversation of that moment; undefined when there was none. @throws WritError `not_found` */
  abstract memory(agentId: string, turn: number): Promise<string | undefined>;

  /**
   * Files and HEAD as they were before the turn `to`. What was ignored then and is ignored now stays. What `saved`, the checkpoint of the
   * state before, does not have yet is put into it before it is removed. Done again after a crash it comes to the same.
   * @returns how many files could not be kept and were therefore left where they are.
   * @throws WritError `not_found`; `invalid_transition` while the agent lives.
   */
  abstract restore(agentId: string, to: number, saved: number): Promise<number>;
}
