// What the documents promise to list is listed, and as it is.
import { describe, expect, test } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/instance.js';
import { documentOf } from './documents.js';
import { referencePages } from './pages.js';
import { settings } from './settings.js';

const read = (...path: string[]) => readFileSync(join(root, ...path), 'utf8');

describe('docs/reference', () => {
  test('is what `node tools/reference.mjs` makes of the sources', async () => {
    const pages = referencePages(...(await Promise.all([documentOf('hub'), documentOf('spoke')])));
    for (const [name, text] of Object.entries(pages))
      expect([name, read('docs', 'reference', name)]).toEqual([name, text]);
  }, 120_000);
});

test('every setting says what it is for', () => {
  const silent = Object.values(settings()).flatMap((rows) => rows.filter((cells) => cells.at(-1) === ''));
  expect(silent.map((cells) => cells.slice(0, 2))).toEqual([]);
});

test('every dependency has its line in the decision on dependencies', () => {
  const file = readdirSync(join(root, 'docs/adr')).find((name) => name.endsWith('-dependencies.md'));
  const listed = [...read('docs/adr', file ?? '').matchAll(/^\| `([^`]+)` \|/gm)].map(([, name]) => name);
  const { dependencies, devDependencies, optionalDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    object
  >;
  const wanted = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies });
  expect(listed.sort()).toEqual(wanted.sort());
});
