import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeBase64url, encodeBase64url, formatJson, JsonFault, parseJson } from './index.js';

const parse = (text: string) => parseJson(Buffer.from(text));

/** JSON that the protocol carries: safe integers only, shallow. */
const payload = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.string({ unit: 'grapheme' }),
    fc.maxSafeInteger().map((integer) => integer + 0),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(
      fc.string().filter((name) => name !== '__proto__'),
      tie('value'),
      { maxKeys: 5, noNullPrototype: true },
    ),
  ),
})).value;

describe('payload JSON', () => {
  test('reads back whatever it writes', () => {
    fc.assert(fc.property(payload, (value) => expect(parse(formatJson(value))).toEqual(value)));
  });

  test('takes white space, escapes and texts that look like JSON inside strings', () => {
    expect(parse(' { "a" : [ 1 , -2 ] , "b:c" : "\\"x\\":1.5e9, -0" } ')).toEqual({
      a: [1, -2],
      'b:c': '"x":1.5e9, -0',
    });
    expect(parse('{"\\u0061":"\\\\","b":"\\\\\\""}')).toEqual({ a: '\\', b: '\\"' });
  });

  test.each([
    ['a member given twice', '{"a":1,"a":2}'],
    ['a member given twice, once escaped', '{"a":1,"\\u0061":2}'],
    ['a member given twice deep inside', '[{"x":{"b":1,"c":2,"b":1}}]'],
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['__proto__ in disguise', '{"a":{"\\u005f_proto__":1}}'],
    ['a fraction', '{"a":1.5}'],
    ['an integer with a fraction', '{"a":1.0}'],
    ['an exponent', '{"a":1e2}'],
    ['infinity by exponent', '{"exp":1e999}'],
    ['minus zero', '{"a":-0}'],
    ['an unsafe integer', '{"a":9007199254740992}'],
    ['an unsafe negative integer', '[-9007199254740993]'],
    ['a lone surrogate', '{"a":"\\ud800"}'],
    ['a lone surrogate in a name', '{"\\udc00":1}'],
    ['a byte order mark', '\ufeff{}'],
    ['something after the value', '{} {}'],
    ['a trailing comma', '{"a":1,}'],
    ['a comment', '{"a":1/**/}'],
    ['nothing', ''],
    ['NaN', '{"a":NaN}'],
    ['a control character in a string', '"\u0001"'],
  ])('refuses %s', (_what, text) => {
    expect(() => parse(text)).toThrow(JsonFault);
  });

  test.each([
    ['a stray continuation byte', [0x22, 0x80, 0x22]],
    ['an overlong slash', [0x22, 0xc0, 0xaf, 0x22]],
    ['an encoded surrogate', [0x22, 0xed, 0xa0, 0x80, 0x22]],
    ['a character cut short', [0x22, 0xe2, 0x82, 0x22]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00]],
  ])('refuses bytes that are not UTF-8: %s', (_what, bytes) => {
    expect(() => parseJson(Uint8Array.from(bytes))).toThrow(JsonFault);
  });

  test('takes 16 levels and refuses the 17th', () => {
    expect(parse('['.repeat(16) + ']'.repeat(16))).toBeDefined();
    expect(() => parse('['.repeat(17) + ']'.repeat(17))).toThrow('deeper');
    expect(() => parse('{"a":'.repeat(17) + '1' + '}'.repeat(17))).toThrow('deeper');
    expect(() => parse('['.repeat(500_000) + ']'.repeat(500_000))).toThrow(JsonFault);
  });

  test('takes 10,000 members and refuses one more', () => {
    const object = (size: number) => Object.fromEntries(Array.from({ length: size }, (_, index) => [`m${index}`, 0]));
    expect(parse(JSON.stringify(object(10_000)))).toBeDefined();
    expect(() => parse(JSON.stringify(object(10_001)))).toThrow('members');
    expect(() => parse(JSON.stringify(Array(10_001).fill(0)))).toThrow('members');
    expect(() => parse(JSON.stringify([object(5_000), object(5_000)]))).toThrow('members');
  });

  test('reads strings of the largest message without trouble', () => {
    const long = 'a"\\:-0 1.5'.repeat(70_000);
    expect(parse(JSON.stringify({ long }))).toEqual({ long });
  });

  test('writes only what it would take back', () => {
    expect(formatJson({ a: 1, left: undefined })).toBe('{"a":1}');
    for (const bad of [1.5, NaN, 2 ** 53, '\ud800', JSON.parse('{"__proto__":1}') as unknown])
      expect(() => formatJson({ bad })).toThrow(JsonFault);
  });
});

describe('base64url', () => {
  test('has one spelling for all bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect([...(decodeBase64url(encodeBase64url(bytes)) ?? [])]).toEqual([...bytes]);
      }),
    );
  });

  test('whatever it takes, it would have written itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...Array.from('AQgwZz09-_+/= \n')) }), (text) => {
        const bytes = decodeBase64url(text);
        expect(bytes === undefined || encodeBase64url(bytes) === text).toBe(true);
      }),
    );
  });

  test.each(['QQ==', 'QR', 'QQ=', 'Q', 'QQ\n', ' QQ', 'Q+', 'Q/', 'QQQ.', 'QÀ'])('refuses %j', (text) => {
    expect(decodeBase64url(text)).toBeUndefined();
  });
});
