// What `npm pack` makes is a working `writ`, from an empty folder.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writ } from '../../../test/support/writ.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
const installed = process.env.WRIT_SOAK === '1' ? test : test.skip;

let folder: string;
let empty: string;
let tarball: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'writ-pack-'));
  empty = join(folder, 'empty');
  await mkdir(empty);
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: root,
    maxBuffer: 2 ** 24,
  });
  tarball = join(folder, (JSON.parse(stdout) as [{ filename: string }])[0].filename);
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

async function version(): Promise<string> {
  return (JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }).version;
}

describe('the package', () => {
  test('holds all that it runs, and no tests', async () => {
    const { stdout } = await run('tar', ['-tzf', tarball], { maxBuffer: 2 ** 24 });
    const files = stdout.trim().split('\n');
    expect(files.filter((file) => /\.(spec|contract|fixture)\.|\/test\//.test(file))).toEqual([]);
    await run('tar', ['-xzf', tarball, '-C', folder]);
    await symlink(join(root, 'node_modules'), join(folder, 'package/node_modules'));
    const bin = join(folder, 'package/apps/cli/bin/writ.mjs');
    expect(await writ(['--version'], { bin, cwd: empty })).toMatchObject({ code: 0, out: `${await version()}\n` });
    expect(await writ(['ps'], { bin, cwd: empty })).toMatchObject({ code: 5 });
  });

  installed(
    'npm install -g makes a working `writ` of it',
    async () => {
      const prefix = join(folder, 'global');
      await run('npm', ['install', '-g', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', tarball]);
      const { stdout } = await run(join(prefix, 'bin/writ'), ['--version'], { cwd: empty });
      expect(stdout).toBe(`${await version()}\n`);
    },
    300_000,
  );
});
