// The port through which commands of the outbox leave, and what comes back.
import type { CommandRecord } from './command.js';

/** What a peer answered: `st` and `body` of the signed result. */
export interface Answer {
  readonly st: 'ok' | 'denied' | 'error';
  readonly code?: string;
  readonly body: unknown;
}

/** The way to the spokes. */
export abstract class CommandCarrier {
  /** Whether what is given to `carry` now is signed and sent at once. */
  abstract isReady(connectionId: string): boolean;

  /** Resolves when it is so, when it never will be again because the connection was closed, or with the signal. */
  abstract ready(connectionId: string, signal: AbortSignal): Promise<void>;

  /**
   * Sends one command and waits for its signed answer; `null` when it is not known whether it arrived (a cut, a restart).
   * Waits for the peer to be there. `late` is told the answer that comes after the signal.
   * @throws WritError `connection_closed` when it never will be.
   */
  abstract carry(command: CommandRecord, signal: AbortSignal, late: (answer: Answer) => void): Promise<Answer | null>;
}
