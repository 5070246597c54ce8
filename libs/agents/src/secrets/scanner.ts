// The SecretScanner port: finds what must not leave. It answers for all it was given, or it throws: nothing in between is an answer. [O-9]

/** `name` is a path of the repository, or what else the text is; rules may look at it. */
export interface ScanText {
  readonly name: string;
  readonly text: string;
}

export interface Leak {
  readonly rule: string;
  /** Which of the texts, and where in it: UTF-16 units, the end excluded. */
  readonly index: number;
  readonly start: number;
  readonly end: number;
  /** From 1. */
  readonly line: number;
  /** Tells whether two of them are the same secret. */
  readonly hash: string;
}

export abstract class SecretScanner {
  /** @throws Error when not every text was looked at, or not in time. */
  abstract scan(texts: readonly ScanText[]): Promise<readonly Leak[]>;
  abstract close(): Promise<void>;
}
