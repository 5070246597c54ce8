// What whoever waits is told meanwhile.

export interface Progress {
  /** Somebody looks: only then is it worth asking how far things are. */
  readonly isSeen: boolean;
  /** What is waited for now. Nobody sees it when that is over at once. */
  show(text: string): void;
  /** Nothing is waited for any more. */
  clear(): void;
}

/** Where nobody looks. */
export const noProgress: Progress = { isSeen: false, show: () => undefined, clear: () => undefined };
