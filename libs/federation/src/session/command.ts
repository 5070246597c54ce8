// One command as a handler sees it, and what a handler answers. The seam between a session and the Nest transport.
import { problemOf } from '#protocol';
import type { OperationKind, Problem } from '#protocol';

export interface IncomingCommand {
  /** Of the connection that it came over. */
  readonly connectionId: string;
  /** The instance id of the peer that signed it. */
  readonly peerId: string;
  /** Unique within its message. */
  readonly id: string;
  readonly op: string;
  readonly kind: OperationKind;
  /** Parsed by the schema of the operation. */
  readonly args: Readonly<Record<string, unknown>>;
  readonly idk?: string;
  /** The version of the grant that the sender believes in. */
  readonly gv: number;
  readonly trace?: string;
  /** The exact message it came in, and its reference. */
  readonly raw: string;
  readonly jti: string;
  readonly h: string;
  /** Aborts when the session ends. */
  readonly signal: AbortSignal;
}

/** `gv` is the version of the grant that decided; absent: the one that our last hello stated. */
export type Outcome =
  | { readonly st: 'ok'; readonly gv?: number; readonly body: Readonly<Record<string, unknown>> }
  | { readonly st: 'denied' | 'error'; readonly gv?: number; readonly body: Problem };

/** Never throws and never rejects. A value that is there at once is answered at once. */
export type CommandHandler = (command: IncomingCommand) => Outcome | Promise<Outcome>;

/** The outcome of what threw: `denied` when it was refused, `error` when it failed on our side. */
export function refusal(error: unknown, gv?: number): Outcome {
  const body = problemOf(error);
  return { st: body.status >= 500 ? 'error' : 'denied', gv, body };
}
