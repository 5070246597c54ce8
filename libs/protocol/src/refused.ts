// The one refusal of a message that is not to be believed.

/**
 * Says the same whatever was wrong, so that a stranger learns nothing from the answer.
 * `reason` is for our own log and never leaves the instance.
 */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  constructor(readonly reason: string) {
    super('The message was refused.');
  }
}
