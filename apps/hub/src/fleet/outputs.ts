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
    pieces.push({ offset: event.data.offset, bytes: event.data.bytes, cursor });
    this.pieces.set(event.subject, pieces);
  }

  /** The journaled piece that holds this byte, or undefined when only the spoke's spool has it. */
  at(agentId: string, offset: number): Piece | undefined {
    return this.pieces.get(agentId)?.find((piece) => piece.offset <= offset && offset < piece.offset + piece.bytes);
  }
}
