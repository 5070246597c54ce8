import { describe, expect, test } from '@jest/globals';
import { globSync, readFileSync } from 'node:fs';
import { later, requirements } from './requirements.js';

const files = globSync('{apps,libs,test}/**/*.{spec,contract}.ts');
const titles = files.flatMap((file) => titlesOf(readFileSync(file, 'utf8')));
const cited = new Set(titles.flatMap((title) => title.match(/(?<=\[)[A-Z]-\d+(?=\])/g) ?? []));

/** What stands as a title in `test(…)`, `describe(…)` and those that a requirement made, also after a table. */
function titlesOf(source: string): string[] {
  const call = /(?:^|[^.\w])[\w.]+(?:\.each[^]*?\])?\(\s*(?:'([^'\n]*)'|"([^"\n]*)"|`([^`]*)`)/g;
  return [...source.matchAll(call)].map(([, single, double, template]) => single ?? double ?? template ?? '');
}

describe('what Writ promises', () => {
  test.each(Object.entries(requirements))('%s is shown by a test: %s', (id) => {
    expect(cited).toContain(id);
  });

  test('no test cites what nobody has promised', () => {
    const known = new Set([...Object.keys(requirements), ...later]);
    expect([...cited].filter((id) => !known.has(id))).toEqual([]);
  });

  test('every promise is one sentence', () => {
    for (const promise of Object.values(requirements)) expect(promise).toMatch(/^[A-Z`][^\n]*\.$/);
  });
});
