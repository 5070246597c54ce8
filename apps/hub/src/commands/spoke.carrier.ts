// Carries commands of the outbox to their spoke, each try a span of the trace that it began in. The peer keeps what is on its way over cuts and signs it anew; here only the end counts.
import { problemOf, WritError, type OperationArgs } from '#protocol';
import { SpanKind } from '@opentelemetry/api';
import { contextFrom, traced } from '#tracing';
import type { SpokeClients } from '../spokes/spoke.clients.js';
import { CommandCarrier, type Answer } from './carrier.js';
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

  isReady(connectionId: string): boolean {
    return this.clients.isHere(connectionId);
  }

  ready(connectionId: string, signal: AbortSignal): Promise<void> {
    return this.clients.ready(connectionId, signal);
  }

  async carry(command: CommandRecord, signal: AbortSignal, late: (answer: Answer) => void): Promise<Answer | null> {
    const { op, commandId, spoke, agentId, trace } = command;
    const attributes = { 'writ.command.id': commandId, 'writ.op': op, 'writ.spoke': spoke, 'writ.agent.id': agentId };
    const draft = { kind: SpanKind.CLIENT, within: contextFrom(trace), attributes };
    return traced(`send ${op}`, draft, async (span) => {
      const answer = await this.sent(command, signal, late);
      span.setAttribute('writ.outcome', outcomeOf(answer));
      return answer;
    });
  }

  private async sent(
    { connectionId, op, args, idk, deadlineMs }: CommandRecord,
    signal: AbortSignal,
    late: (answer: Answer) => void,
  ): Promise<Answer | null> {
    const timeoutMs = Math.max(1, deadlineMs - this.now());
    const options = { idk, timeoutMs, signal, late };
    try {
      const body = await this.clients.ask(connectionId, op, args as OperationArgs<typeof op>, options);
      return { st: 'ok', body };
    } catch (error) {
      if (signal.aborted || (error instanceof WritError && unknown.includes(error.code))) return null;
      if (error instanceof WritError) return { st: 'denied', code: error.code, body: problemOf(error) };
      throw error;
    }
  }
}

function outcomeOf(answer: Answer | null): string {
  if (answer === null) return 'unknown';
  return answer.st === 'ok' ? 'ok' : (answer.code ?? answer.st);
}
