// No page leads nowhere: files and headings that links name are there.
import { expect, test } from '@jest/globals';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { root } from '../support/instance.js';

const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...globSync('docs/**/*.md', { cwd: root })];
const withoutBlocks = (page: string) => readFileSync(join(root, page), 'utf8').replace(/^```[^]*?^```/gm, '');

/** A heading's anchor, as GitHub makes it: its text in small letters, without marks, spaces as hyphens. */
function anchorOf(heading: string): string {
  const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
  return text
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replace(/\s/g, '-');
}

function anchorsOf(page: string): ReadonlySet<string> {
  const headings = [...withoutBlocks(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
  return new Set(
    headings.map((anchor, at) => {
      const before = headings.slice(0, at).filter((one) => one === anchor).length;
      return before === 0 ? anchor : `${anchor}-${before}`;
    }),
  );
}

/** Null when it leads somewhere. */
function fault(page: string, link: string): string | null {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : relative(root, join(root, dirname(page), path));
  if (!existsSync(join(root, target))) return `${page}: ${link}: no such file`;
  if (anchor === undefined || !target.endsWith('.md')) return null;
  return anchorsOf(target).has(anchor) ? null : `${page}: ${link}: no such heading`;
}

/** Of Markdown and of the few pictures in HTML; not those to other places. */
function linksOf(page: string): string[] {
  const text = withoutBlocks(page).replace(/`[^`\n]*`/g, '');
  const links = [...text.matchAll(/\]\(([^)\s]+)\)|(?:src|srcset|href)="([^"]+)"/g)].map(
    ([, one, other]) => one ?? other ?? '',
  );
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

test('no page links to a file or a heading that is not there', () => {
  const all = pages.flatMap((page) => linksOf(page).map((link) => [page, link] as const));
  expect(all.length).toBeGreaterThan(100);
  expect(all.map(([page, link]) => fault(page, link)).filter((one) => one !== null)).toEqual([]);
});

test('every page below docs is reached from README.md', () => {
  const reached = new Set<string>();
  const visit = (page: string): void => {
    if (reached.has(page)) return;
    reached.add(page);
    const linked = linksOf(page).map((link) => relative(root, join(root, dirname(page), link.split('#')[0] ?? '')));
    linked.filter((one) => one.endsWith('.md') && existsSync(join(root, one))).forEach(visit);
  };
  visit('README.md');
  expect(pages.filter((page) => page !== 'README.md' && !page.startsWith('docs/adr/') && !reached.has(page))).toEqual(
    [],
  );
});

test('the look itself sees what leads nowhere', () => {
  expect(fault('README.md', 'docs/nowhere.md')).toContain('no such file');
  expect(fault('README.md', 'docs/operations.md#nowhere')).toContain('no such heading');
  expect(fault('docs/operations.md', '#starting')).toBeNull();
});
