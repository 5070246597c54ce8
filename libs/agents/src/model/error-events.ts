// Errors that the model API tells in the middle of a stream: passed on in the words of any other error, without a secret.
// Everything else passes as it came, at once.
import { errorOf, retold } from './refusal.js';

const eventLine = 'event: error';
/** A line of an error that is longer is cut off with the stream's rest of it. */
const lineBytesMax = 65_536;
const newline = 0x0a;

export class ErrorEvents {
  /** Of the error that was told last: `overloaded_error`. */
  type?: string;
  private held = Buffer.alloc(0);
  private isInError = false;
  /** The begin of the line that comes has been passed on. */
  private isInLine = false;

  constructor(private readonly key: string) {}

  /** What may be passed on of all that has come. Only what is, or may become, an error's is held back until its line is whole. */
  pass(chunk: Uint8Array): Uint8Array {
    let rest = Buffer.concat([this.held, chunk]);
    const parts: Buffer[] = [];
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      const line = rest.subarray(0, end + 1);
      parts.push(this.isInLine ? line : this.line(line));
      this.isInLine = false;
      rest = rest.subarray(end + 1);
    }
    const isHeld = !this.isInLine && this.mayBeAnError(rest);
    this.held = isHeld ? rest.subarray(0, lineBytesMax) : Buffer.alloc(0);
    this.isInLine ||= !isHeld;
    return Buffer.concat(isHeld ? parts : [...parts, rest]);
  }

  /** What was held back at the end of the stream. */
  rest(): Uint8Array {
    return this.line(this.held);
  }

  private mayBeAnError(begun: Buffer): boolean {
    return this.isInError || eventLine.startsWith(begun.subarray(0, eventLine.length).toString('latin1'));
  }

  private line(line: Buffer): Buffer {
    const text = line.toString('utf8');
    if (text.startsWith('event:')) this.isInError = text.trimEnd() === eventLine;
    else if (this.isInError && text.startsWith('data:')) return this.told(text.slice(5));
    else if (text.trim() === '') this.isInError = false;
    return line;
  }

  private told(data: string): Buffer {
    const error = errorOf(data);
    this.type = error.type ?? 'api_error';
    const told = { type: 'error', error: { type: this.type, message: retold(error.message, this.key) } };
    return Buffer.from(`data: ${JSON.stringify(told)}\n`);
  }
}
