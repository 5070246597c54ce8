import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeKey, encodeKey } from './key.js';
import type { Key } from './store.js';

const part = fc.string({
  unit: fc.oneof(fc.constantFrom('\0', '\x01', '\x02', 'a', '\uffff'), fc.string({ unit: 'binary', maxLength: 1 })),
  maxLength: 5,
});
const key = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts as unknown as Key);

/** The order that the port promises: part by part, each by its UTF-8 bytes, a parent before its children. */
function compare(a: Key, b: Key): number {
  for (const [i, one] of a.entries()) {
    const other = b[i];
    const order = other === undefined ? 1 : Buffer.compare(Buffer.from(one), Buffer.from(other));
    if (order !== 0) return order;
  }
  return Math.sign(a.length - b.length);
}

describe('encoded keys', () => {
  test('[P-7] decode to the parts that they were made of', () => {
    fc.assert(fc.property(key, (parts) => expect(decodeKey(encodeKey(parts))).toEqual(parts)));
  });

  test('sort by their bytes as the port promises', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Buffer.compare(Buffer.from(encodeKey(a)), Buffer.from(encodeKey(b)))).toBe(compare(a, b));
      }),
    );
  });

  test('[P-7] begin with another key’s only below it', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        const below = a.length >= b.length && b.every((one, i) => one === a[i]);
        expect(encodeKey(a).startsWith(encodeKey(b))).toBe(below);
      }),
    );
  });
});
