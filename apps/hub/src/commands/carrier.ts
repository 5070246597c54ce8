// Carries commands of the outbox to their spoke. The peer keeps what is on its way over cuts and signs it anew; here only the end counts.
import { problemOf, WritError, type OperationArgs } from '#protocol';
import type { SpokeClients } from '../spokes/spoke.clients.js';
import { CommandCarrier, type Answer } from './commands.service.js';
import type { CommandRecord } from './command.js';

/** What says nothing about whether the command was carried out. */
const unknown: readonly string[] = ['timed_out', 'peer_unavailable', 'store_unavailable'];

export class SpokeCarrier extends CommandCarrier {
  constructor(
    private readonly clients: SpokeClients,
    private readonly now: () => number = Date.now,
  ) {
    super();
  }

  async carry({ connectionId, op, args, idk, deadlineMs }: CommandRecord, signal: AbortSignal): Promise<Answer | null> {
    const timeoutMs = Math.max(1, deadlineMs - this.now());
    try {
      const body = await this.clients.ask(connectionId, op, args as OperationArgs<typeof op>, {
        idk,
        timeoutMs,
        signal,
      });
      return { st: 'ok', body };
    } catch (error) {
      if (signal.aborted || (error instanceof WritError && unknown.includes(error.code))) return null;
      if (error instanceof WritError) return { st: 'denied', code: error.code, body: problemOf(error) };
      throw error;
    }
  }
}
