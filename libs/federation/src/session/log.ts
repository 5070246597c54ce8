// Where a session says what it will not say to a peer: the reason of a refusal, the cause of a failure.

/** `cause` is for the log alone. */
export type Log = (message: string, cause?: unknown) => void;

/** What pino and its like offer. */
export interface StructuredLog {
  warn(fields: Readonly<Record<string, unknown>>, message: string): void;
}

export function logTo(log: StructuredLog | undefined): Log {
  return (message, err) => log?.warn({ err }, message);
}
