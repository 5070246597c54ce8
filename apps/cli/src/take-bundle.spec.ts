// What a partner's agent has made, in the clone of a person: real repositories, and a bundle that git itself would take.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { takeBundle } from './take-bundle.js';
import type { World } from './world.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'writ-git-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const bare = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1' };
const as = ['-c', 'user.name=A', '-c', 'user.email=a@example.org'];

function plain(args: readonly string[], input?: string | Buffer): string {
  return execFileSync('git', ['-C', folder, ...as, ...args], {
    env: bare,
    input,
    encoding: 'utf8',
    stdio: 'pipe',
  }).trim();
}

/** The commit of a tree that has a `.git` of its own: checked out, it would be the configuration of the clone. */
function trap(): string {
  const blob = plain(['hash-object', '-w', '--stdin'], '[core]\n\tfsmonitor = true\n');
  const entry = Buffer.concat([Buffer.from('100644 .git\0'), Buffer.from(blob, 'hex')]);
  const tree = plain(['hash-object', '-w', '-t', 'tree', '--literally', '--stdin'], entry);
  return plain(['commit-tree', tree, '-p', 'main', '-m', 'a trap']);
}

test('[W-4] a branch with an object that is not sound is not taken, and nothing of it is kept; a sound one is, and none is forced', async () => {
  plain(['init', '--quiet', '--initial-branch=main']);
  writeFileSync(join(folder, 'a'), 'a\n');
  plain(['add', 'a']);
  plain(['commit', '--quiet', '--message', 'first']);
  const base = plain(['rev-parse', 'main']);
  execFileSync('git', ['clone', '--quiet', folder, join(folder, 'clone')], { env: bare, stdio: 'pipe' });
  const clone = (...args: string[]): string => plain(['-C', 'clone', ...args]);
  const bundled = (commit: string) => {
    plain(['update-ref', 'refs/heads/work', commit]);
    const file = join(folder, `${commit}.bundle`);
    plain(['bundle', 'create', '--quiet', file, 'main..work']);
    return { file, packAt: readFileSync(file).indexOf('\n\nPACK') + 2, base };
  };
  const world = { env: { ...bare, GIT_DIR: join(folder, 'clone', '.git') }, signal: new AbortController().signal };
  const taken = ({ file, ...facts }: ReturnType<typeof bundled>, to: string) =>
    takeBundle(world as unknown as World, file, facts, ['refs/heads/work', `refs/heads/${to}`]);
  const evil = trap();
  const bad = bundled(evil);
  await expect(taken(bad, 'one')).rejects.toMatchObject({
    code: 'artifact_invalid',
    message: expect.stringMatching(/hasDotgit/),
  });
  expect(clone('for-each-ref', '--format=%(refname)', 'refs/heads')).toBe('refs/heads/main');
  expect(() => clone('cat-file', '-e', evil)).toThrow();
  const good = bundled(plain(['commit-tree', 'main^{tree}', '-p', 'main', '-m', 'sound']));
  await taken(good, 'one');
  expect(clone('rev-parse', 'one')).toBe(plain(['rev-parse', 'work']));
  const other = bundled(plain(['commit-tree', 'main^{tree}', '-p', 'main', '-m', 'another']));
  await expect(taken(other, 'one')).rejects.toMatchObject({ code: 'invalid_request', field: '--branch' });
  const strange = plain(['commit-tree', 'main^{tree}', '-m', 'elsewhere']);
  plain(['update-ref', 'refs/heads/main', strange]);
  const above = bundled(plain(['commit-tree', 'main^{tree}', '-p', strange, '-m', 'above']));
  await expect(taken(above, 'two')).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringMatching(/lacks/),
  });
  // Left to itself, git takes the first one.
  clone('fetch', '--quiet', bad.file, 'refs/heads/work:refs/heads/three');
  expect(clone('rev-parse', 'three')).toBe(evil);
});
