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
    const { offset, bytes } = event.data;
    const pieces = this.pieces.get(event.subject) ?? [];
    const index = indexAfter(pieces, offset);
    const before = pieces[index - 1];
    if (before && offset < before.offset + before.bytes) return;
    pieces.splice(index, 0, { offset, bytes, cursor });
    this.pieces.set(event.subject, pieces);
  }

  forget(agentId: string): void {
    this.pieces.delete(agentId);
  }

  /** The journaled piece that holds this byte, or undefined when only the spoke's spool has it. */
  at(agentId: string, offset: number): Piece | undefined {
    const pieces = this.pieces.get(agentId) ?? [];
    const piece = pieces[indexAfter(pieces, offset) - 1];
    return piece && offset < piece.offset + piece.bytes ? piece : undefined;
  }
}

/** Of the first piece that begins after the offset. */
function indexAfter(pieces: readonly Piece[], offset: number): number {
  let [low, high] = [0, pieces.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((pieces[middle]?.offset ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
