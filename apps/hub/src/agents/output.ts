// An agent's output as the hub serves it: what the journal brought from the hub's own store, the rest asked of the spoke.
import { isTerminal, WritError, type AgentResource, type OperationBody } from '#protocol';
import type { OutputPiece } from '#api';
import type { Fleet } from '../fleet/fleet.js';

/** Asks the agent's spoke for output from an offset. @throws WritError `peer_unavailable`, `timed_out` */
type AskSpoke = (agent: AgentResource, offset: number) => Promise<OperationBody<'agent.output'>>;

/** How long to wait before looking again for a spoke that is away, or for an agent that says nothing. */
const lookAgainMs = 2_000;

export class OutputReader {
  constructor(
    private readonly fleet: Fleet,
    private readonly ask: AskSpoke,
  ) {}

  /** From the byte on, as it comes, until the agent's end or the signal. */
  async *follow(agentId: string, from: number, signal: AbortSignal): AsyncIterable<OutputPiece> {
    for (let offset = from; !signal.aborted;) {
      const changed = this.fleet.changed(agentId, lookAgainMs, signal);
      const piece = await this.patiently(agentId, offset);
      if (piece.end || piece.text !== '') yield piece;
      if (piece.end) return;
      if (Number(piece.cursor) === offset) await changed;
      offset = Number(piece.cursor);
    }
  }

  /** All that is there now, up to about `bytesMax`, however many events brought it. */
  async upTo(agentId: string, from: number, bytesMax: number): Promise<OutputPiece> {
    let whole = await this.next(agentId, from);
    while (!whole.end && Number(whole.cursor) - from < bytesMax) {
      const piece = await this.next(agentId, Number(whole.cursor));
      const grown = piece.cursor !== whole.cursor;
      whole = { ...piece, text: whole.text + piece.text, dropped: whole.dropped + piece.dropped };
      if (!grown) break;
    }
    return whole;
  }

  /** One piece of what is there now; an empty one when there is nothing yet. */
  async next(agentId: string, offset: number): Promise<OutputPiece> {
    const agent = await this.known(agentId);
    const final = isTerminal(agent.state) ? agent.outputBytes : Infinity;
    if (offset >= agent.outputBytes) return { cursor: String(offset), text: '', dropped: 0, end: offset >= final };
    const chunk = (await this.fleet.journaled(agentId, offset)) ?? (await this.ask(agent, offset));
    const dropped = 'dropped' in chunk ? Number(chunk.dropped) : 0;
    return { cursor: String(chunk.next), text: chunk.text, dropped, end: chunk.next >= final };
  }

  /** A spoke that is away is no end of the stream: nothing now, and look again. */
  private async patiently(agentId: string, offset: number): Promise<OutputPiece> {
    try {
      return await this.next(agentId, offset);
    } catch (error) {
      const away = error instanceof WritError && (error.code === 'peer_unavailable' || error.code === 'timed_out');
      if (!away) throw error;
      return { cursor: String(offset), text: '', dropped: 0, end: false };
    }
  }

  private async known(agentId: string): Promise<AgentResource> {
    const agent = await this.fleet.find(agentId);
    if (!agent) throw new WritError('not_found', `There is no agent ${agentId}.`);
    return agent;
  }
}
