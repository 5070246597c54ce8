// What agents say and change, read for the page: odd text, long text, and the numbers of a diff.
import { describe, expect, test } from '@jest/globals';
import { Lines } from './lines.js';
import { readPatch } from './patch.js';
import { coloured } from './syntax.js';

describe('output', () => {
  test('lines come in pieces, without the colours of a terminal, and a carriage return begins anew', () => {
    const lines = new Lines();
    for (const piece of ['one\ntw', 'o\n\u001b[31mred\u001b[0m\u0007\n', '10 %\r', '20 %\rdone\n', '\tend'])
      lines.append(piece);
    expect(lines.all).toEqual(['one', 'two', 'red', 'done', '\tend']);
    expect(lines.count).toBe(5);
    expect(lines.find('E')).toEqual([0, 2, 3, 4]);
  });

  test('a line without end is cut, and of too many the oldest go', () => {
    const lines = new Lines();
    lines.append('x'.repeat(9_000));
    expect(lines.all.map(({ length }) => length)).toEqual([4_000, 4_000, 1_000]);
    lines.append('\n'.repeat(200_000));
    expect([lines.gone, lines.count < 200_000]).toEqual([20_000, true]);
  });
});

test('a diff has its files, and each line its kind and number; what looks like a header in the code stays code', () => {
  const head = 'diff --git a/sum.js b/sum.js\n--- a/sum.js\n+++ b/sum.js\n';
  const { files, lines } = readPatch(`${head}@@ -3,2 +3,2 @@ sum\n same\n--- a comment\n+++ more\n`);
  expect(files).toEqual([{ name: 'sum.js', at: 0 }]);
  expect(lines.slice(4)).toEqual([
    { kind: 'same', text: 'same', before: 3, after: 3 },
    { kind: 'removed', text: '-- a comment', before: 4 },
    { kind: 'added', text: '++ more', after: 4 },
  ]);
});

test('colours lose nothing of the text', () => {
  for (const line of [
    'const x = "a // b"; // c',
    'if (a) call(42)',
    '"unclosed',
    '',
    '\u{1f600} é',
    '<script>`${x}`',
  ]) {
    const tokens = coloured(line);
    expect(tokens.map(({ text }) => text).join('')).toBe(line);
  }
  expect(coloured('return sum(1); // so').map(({ kind }) => kind)).toContain('comment');
});
