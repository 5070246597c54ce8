// Why an agent's turn comes to nothing.
import type { ExitReason } from '#protocol';

/** The agent broke the protocol, or fell silent, or ended: its process is ended, and a later turn begins with a new one. */
export class AgentBroke extends Error {}

/** The agent keeps to the protocol, but the turn has no result: it may be asked again. */
export class TurnFailed extends Error {
  constructor(
    readonly exitReason: ExitReason,
    message: string,
  ) {
    super(message);
  }
}
