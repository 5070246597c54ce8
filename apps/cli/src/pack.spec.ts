// What `npm pack` makes is a working `writ`, from an empty folder.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { writ } from '../../../test/support/writ.js';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../../..');
const installed = process.env.WRIT_SOAK === '1' ? test : test.skip;

/** A program of somebody else. */
const theirs = `
import { RestClient, WritError, type AgentResource } from 'writ/client';
await using client = new RestClient({ url: 'http://127.0.0.1:9', triesMax: 1 });
const line = (agent: AgentResource): string => agent.state;
try {
  console.log(line(await client.agents.get('x')));
} catch (error) {
  console.log(error instanceof WritError ? error.code : error);
}`;

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

  test('gives others the typed client: its types are whole, and it is the one that runs', async () => {
    const project = join(folder, 'project');
    await mkdir(join(project, 'node_modules'), { recursive: true });
    await symlink(join(folder, 'package'), join(project, 'node_modules/writ'));
    await symlink(join(root, 'node_modules/@types'), join(project, 'node_modules/@types'));
    await writeFile(join(project, 'package.json'), '{ "type": "module" }');
    await writeFile(join(project, 'wrong.ts'), theirs.replace('agent.state', 'agent.colour'));
    await writeFile(join(project, 'right.ts'), theirs);
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', 'node'];
    const tsc = join(root, 'node_modules/typescript/bin/tsc');
    const argv = [tsc, ...options, 'wrong.ts', 'right.ts'];
    const said = spawnSync(process.execPath, argv, { cwd: project, encoding: 'utf8' }).stdout.trim().split('\n');
    expect(said).toEqual([expect.stringMatching(/^wrong\.ts.* Property 'colour' does not exist on type '\{.*agentId/)]);
    const { stdout } = await run(process.execPath, ['right.ts'], { cwd: project });
    expect(stdout).toBe('peer_unavailable\n');
  }, 120_000);

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
