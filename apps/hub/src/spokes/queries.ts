// Questions to a spoke: signed, answered at once or not at all, never remembered.
import { WritError, type OperationArgs, type OperationBody, type OperationName } from '#protocol';
import type { SpokeClients } from './spoke.clients.js';

/** How long a question may take, in milliseconds. */
const questionMs = 10_000;

export class Queries {
  constructor(private readonly clients: SpokeClients) {}

  /** @throws WritError `peer_unavailable`, `timed_out`, or what the spoke refused with */
  async ask<O extends OperationName>(connectionId: string, op: O, args: OperationArgs<O>): Promise<OperationBody<O>> {
    if (!this.clients.isReady(connectionId)) throw new WritError('peer_unavailable', 'The spoke is not connected now.');
    return this.clients.question(connectionId, op, args, { timeoutMs: questionMs });
  }
}
