// What the pool holds, and how it is handed out.

/** What can be kept warm. */
export interface Warm {
  /** Whether nothing of it works now. One that throws or does not answer counts as busy. */
  idle(): Promise<boolean>;
  /** Ends it. Resolves when nothing of it lives, rejects when something does. May be called again. */
  close(): Promise<void>;
}

export interface Lease<T> {
  readonly backend: T;
  /** Gives it back, idle. More than once is harmless. */
  readonly release: () => void;
}
