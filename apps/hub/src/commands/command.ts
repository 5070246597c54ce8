// A command as the hub remembers it, from before it is signed until its answer is known.
import type { Actor, OperationName, Problem } from '#protocol';

/**
 *   pending, held ──the spoke is there──▶ pending ──answer ok──▶ delivered
 *      │                                     ├─────answer no───▶ failed
 *      │                                     └─────deadline────▶ timed_out ──late answer or journal──▶ delivered | failed
 *      ├──deadline──▶ failed: peer_unavailable, it was never sent        └──ordered again──▶ pending
 *      └──a kill of its agent──▶ failed: killed, it was never sent
 *
 * `timed_out` says that nobody knows, never that it was not carried out.
 */
type CommandState = 'pending' | 'delivered' | 'failed' | 'timed_out';

/** `idk` is signed with every try, so that however often it is sent it is done once. Times are epoch milliseconds. */
export interface CommandRecord {
  readonly commandId: string;
  readonly op: OperationName;
  readonly connectionId: string;
  readonly spoke: string;
  readonly args: unknown;
  readonly idk: string;
  readonly agentId?: string;
  readonly actor: Actor;
  /** What it is part of: a W3C `traceparent`. */
  readonly trace?: string;
  readonly state: CommandState;
  /** It waits for its spoke and was surely never signed: taken away, in a commit, before it is. */
  readonly held?: true;
  readonly createdAtMs: number;
  readonly deadlineMs: number;
  readonly settledAtMs?: number;
  readonly body?: unknown;
  readonly problem?: Problem;
}

/** How a command ended, or that its time did. */
export type End = Pick<CommandRecord, 'state' | 'settledAtMs' | 'body' | 'problem'>;

/** Nothing changes it any more. */
export function isSettled(command: CommandRecord): boolean {
  return command.state === 'delivered' || command.state === 'failed';
}

/** Nobody tries any more; a late answer may still settle one that timed out. */
export function isOver(command: CommandRecord): boolean {
  return command.state !== 'pending';
}
