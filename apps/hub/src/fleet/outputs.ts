// Where the output that came with the journal lies: byte offsets of an agent's spool → cursors of the connection's event stream.
import type { AgentEvent } from '#protocol';

interface Piece {
  readonly offset: number;
  readonly bytes: number;
  /** Cursor in the connection's event stream, where the text is. */
  readonly cursor: number;
}

export class Outputs {
  private readonly pieces = new Map<string, Piece[]>();

  note(event: AgentEvent, cursor: number): void {
    if (event.type !== 'agent.output' || event.data.text === undefined) return;
    const pieces = this.pieces.get(event.subject) ?? [];
    const last = pieces.at(-1);
    if (last && event.data.offset < last.offset + last.bytes) return;
    pieces.push({ offset: event.data.offset, bytes: event.data.bytes, cursor });
    this.pieces.set(event.subject, pieces);
  }

  /** The journaled piece that holds this byte, or undefined when only the spoke's spool has it. */
  at(agentId: string, offset: number): Piece | undefined {
    const pieces = this.pieces.get(agentId) ?? [];
    let [low, high] = [0, pieces.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((pieces[middle]?.offset ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const piece = pieces[low - 1];
    return piece && offset < piece.offset + piece.bytes ? piece : undefined;
  }
}
