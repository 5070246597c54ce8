// The one error of the store; apps map its codes one to one to those of the protocol.

/**
 * `invalid`: the caller broke a limit or a rule of the port; nothing was done.
 * `store_format`: the store was written by a newer version, or is no store of Writ; nothing was changed.
 * `store_unavailable`: the store does not answer, or went away before it said that the commit is durable.
 */
export type StoreErrorCode = 'invalid' | 'store_format' | 'store_unavailable';

/** `detail` is one sentence for the operator; `cause` goes to the log. */
export class StoreError extends Error {
  override readonly name = 'StoreError';

  constructor(
    readonly code: StoreErrorCode,
    readonly detail: string,
    cause?: unknown,
  ) {
    super(`${code}: ${detail}`, { cause });
  }
}

/** Passes our own errors on and wraps everything else as `store_unavailable`. */
export function unavailable(error: unknown, detail: string): StoreError {
  return error instanceof StoreError ? error : new StoreError('store_unavailable', detail, error);
}
