// A command as the hub remembers it, from before it is signed until its answer is known.
import type { Actor, OperationName, Problem } from '#protocol';

/**
 *   pending ──answer ok──▶ delivered
 *      ├─────answer no───▶ failed
 *      └─────deadline────▶ timed_out ──late answer or journal──▶ delivered | failed
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
  readonly state: CommandState;
  readonly createdAtMs: number;
  readonly deadlineMs: number;
  readonly settledAtMs?: number;
  readonly body?: unknown;
  readonly problem?: Problem;
}

export function isSettled(command: CommandRecord): boolean {
  return command.state === 'delivered' || command.state === 'failed';
}
