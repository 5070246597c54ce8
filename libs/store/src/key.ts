// How a key becomes one ordered string that both adapters store: parts end in NUL, so a parent sorts before its
// children and no two keys meet. NUL and SOH inside a part are escaped, which keeps their order.
import { StoreError } from './error.js';
import type { Key } from './store.js';

const keyPartsMax = 8;
const keyBytesMax = 512;

/** Sorts after every key below the prefix that it follows: no UTF-8 text contains this byte. */
export const afterLast = 0xff;

/** @throws StoreError `invalid` for no or too many parts, too many bytes, or text that is not well-formed Unicode. */
export function encodeKey(key: Key): string {
  if (!Array.isArray(key) || key.length < 1 || key.length > keyPartsMax)
    throw new StoreError('invalid', `A key has 1 to ${keyPartsMax} parts.`);
  let bytes = 0;
  let encoded = '';
  for (const part of key as readonly unknown[]) {
    const text = wellFormed(part);
    bytes += Buffer.byteLength(text);
    encoded += `${escape(text)}\0`;
  }
  if (bytes > keyBytesMax) throw new StoreError('invalid', `The parts of a key have at most ${keyBytesMax} bytes.`);
  return encoded;
}

export function decodeKey(encoded: string): Key {
  const [first = '', ...rest] = encoded.slice(0, -1).split('\0').map(unescape);
  return [first, ...rest];
}

/** A lone surrogate would be stored as U+FFFD and meet another key. */
function wellFormed(part: unknown): string {
  if (typeof part !== 'string' || !part.isWellFormed())
    throw new StoreError('invalid', 'Every part of a key is a string of well-formed Unicode.');
  return part;
}

function escape(part: string): string {
  if (!part.includes('\0') && !part.includes('\x01')) return part;
  return part.replaceAll('\x01', '\x01\x02').replaceAll('\0', '\x01\x01');
}

function unescape(part: string): string {
  if (!part.includes('\x01')) return part;
  return part.replaceAll('\x01\x01', '\0').replaceAll('\x01\x02', '\x01');
}
