// How far a reader of several streams is, as one short cursor: a thousand streams still fit into an HTTP header.
import { createHash } from 'node:crypto';
import type { Key } from './store.js';

/** Bytes of a stream's name in a cursor: enough to tell thousands of streams of one instance apart. */
const nameBytes = 5;

export class Positions {
  private readonly names = new Map<string, string>();

  private constructor(private readonly at: Map<string, number>) {}

  /** From the beginning without a cursor. @throws TypeError for a cursor that is not one of ours */
  static from(cursor: string | undefined): Positions {
    return new Positions(cursor === undefined ? new Map<string, number>() : decode(cursor));
  }

  of(stream: Key): number {
    return this.at.get(this.nameOf(stream)) ?? 0;
  }

  move(stream: Key, cursor: number): void {
    this.at.set(this.nameOf(stream), cursor);
  }

  get cursor(): string {
    const parts = [...this.at].flatMap(([name, position]) => [Buffer.from(name, 'hex'), numberBytes(position)]);
    return Buffer.concat(parts).toString('base64url');
  }

  private nameOf(stream: Key): string {
    const key = JSON.stringify(stream);
    const known = this.names.get(key);
    if (known !== undefined) return known;
    const name = createHash('sha256').update(key).digest().subarray(0, nameBytes).toString('hex');
    this.names.set(key, name);
    return name;
  }
}

function decode(cursor: string): Map<string, number> {
  const bytes = Buffer.from(cursor, 'base64url');
  const positions = new Map<string, number>();
  for (let at = 0; at < bytes.length;) {
    const name = bytes.toString('hex', at, at + nameBytes);
    const [position, next] = readNumber(bytes, at + nameBytes);
    positions.set(name, position);
    at = next;
  }
  if (positions.size > 0 && bytes.toString('base64url') === cursor) return positions;
  throw new TypeError('not a cursor of these streams');
}

/** Seven bits a byte, the lowest first, as LEB128 has it. */
function numberBytes(position: number): Buffer {
  const bytes: number[] = [];
  let left = position;
  for (; left >= 128; left = Math.floor(left / 128)) bytes.push((left % 128) + 128);
  return Buffer.from([...bytes, left]);
}

function readNumber(bytes: Buffer, from: number): [value: number, next: number] {
  let value = 0;
  for (let at = from, scale = 1; ; at += 1, scale *= 128) {
    const byte = bytes[at];
    if (byte === undefined || scale > Number.MAX_SAFE_INTEGER) throw new TypeError('not a cursor of these streams');
    value += (byte % 128) * scale;
    if (byte < 128) return [value, at + 1];
  }
}
