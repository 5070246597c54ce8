// The end of what an agent says when it says more than its spool may hold: the last bytes wait here, and are written behind a line
// that says how much is missing before them. Most programs say at the end what went wrong.
import { firstCharacter } from './utf8.js';

/** Of what an agent may say, this part is for the end. */
const shareOfWhole = 16;
const bytesMax = 64 * 1024;
/** Less would not be worth its line. */
const bytesMin = 4 * 1024;
const piecesMax = 64;
const lineBytesMax = 64;

/** How much of so many bytes is kept free for the end; 0 where that would be next to nothing. */
export function endingBytesOf(outputBytesMax: number): number {
  const share = Math.min(bytesMax, Math.floor(outputBytesMax / shareOfWhole));
  return share < bytesMin ? 0 : share;
}

export class Ending {
  private pieces: Buffer[] = [];
  private bytes = 0;
  private gone = 0;

  constructor(private readonly keptMax: number) {}

  /** Whether anything has come here: then all that follows does. */
  get isBegun(): boolean {
    return this.bytes + this.gone > 0;
  }

  /** Returns how many bytes made room for it and are gone. */
  add(piece: Buffer): number {
    this.pieces.push(piece);
    this.bytes += piece.length;
    const before = this.gone;
    while (this.pieces[0] && this.bytes - this.pieces[0].length >= this.keptMax) this.lose(this.pieces[0].length);
    if (this.pieces.length > piecesMax) this.pieces = [Buffer.concat(this.pieces)];
    return this.gone - before;
  }

  /** What to write into so much room, and how many bytes more are gone for it. Nothing waits here afterwards. */
  take(room: number): { readonly text: Buffer; readonly lost: number } {
    const all = Buffer.concat(this.pieces);
    this.pieces = [];
    this.bytes = 0;
    if (this.gone === 0 && all.length <= room) return { text: all, lost: 0 };
    const last = room < bytesMin ? Buffer.alloc(0) : all.subarray(Math.max(0, all.length - room + lineBytesMax));
    const whole = last.subarray(firstCharacter(last));
    const lost = all.length - whole.length;
    const line = `\n[${this.gone + lost} bytes were dropped here]\n`;
    return { text: whole.length === 0 ? whole : Buffer.concat([Buffer.from(line), whole]), lost };
  }

  private lose(bytes: number): void {
    this.pieces.shift();
    this.bytes -= bytes;
    this.gone += bytes;
  }
}
