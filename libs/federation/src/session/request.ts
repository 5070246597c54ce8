// One thing asked of a peer: what it takes with it, how it stands, and what it ends in when its time is over.
import { WritError } from '#protocol';
import type { OperationKind, Problem } from '#protocol';

/** One caller's way to wait no longer; an `AbortController` for every request costs more than the request's schema. */
export class Withdrawal {
  listener: (() => void) | undefined;

  withdraw(): void {
    this.listener?.();
  }
}

export interface RequestOptions {
  /** For operations with an effect: names it once and for all. */
  readonly idk?: string;
  /** 60 s by default; looked at every quarter of a second. */
  readonly timeoutMs?: number;
  /** To wait no longer; one that is an exact deadline (`AbortSignal.timeout`) fails the request as overdue. */
  readonly signal?: AbortSignal;
  /** Told the answer that comes when nobody waits any more, once, while this process lives. */
  readonly late?: (answer: Answer) => void;
  readonly withdrawal?: Withdrawal;
  /** W3C `traceparent`. */
  readonly trace?: string;
}

/** What the peer said. `gv` is the version of the grant that decided. */
export type Answer =
  | { readonly st: 'ok'; readonly gv: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly st: 'denied' | 'error'; readonly code: Problem['code']; readonly gv: number; readonly body: Problem };

/** One request on its way. */
export interface Waiting {
  readonly op: string;
  readonly kind: OperationKind;
  readonly args: Record<string, unknown>;
  readonly options: RequestOptions;
  readonly sinceMs: number;
  readonly deadlineMs: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  /** `late`: nobody waits any more, and an answer is still told. */
  state: 'queued' | 'sent' | 'late' | 'done';
  everSent: boolean;
  again: number;
  /** Listens to the caller's signal until it is done. */
  abort?: () => void;
}

export function isOver({ state }: Waiting): boolean {
  return state === 'done' || state === 'late';
}

export function isTimeout(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError';
}

/** `timed_out` when it may have been carried out, `peer_unavailable` when it never left. */
export function overdue({ everSent }: Waiting): WritError {
  const detail = everSent ? 'The peer has not answered.' : 'The peer was not connected in time.';
  return new WritError(everSent ? 'timed_out' : 'peer_unavailable', detail);
}
