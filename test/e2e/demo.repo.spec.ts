// The demo on somebody's own repository with a script of their own: the work is there afterwards, and wrong wishes start nothing.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { root } from '../support/instance.js';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'writ-own-')));
const temporary = join(folder, 'tmp');
const repository = join(folder, 'my project');
const script = join(folder, 'script.json');

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function git(at: string, ...args: string[]): string {
  const author = ['-c', 'user.name=Own', '-c', 'user.email=own@example.org'];
  return execFileSync('git', [...author, ...args], { cwd: at, encoding: 'utf8', stdio: 'pipe' }).trim();
}

/** One file that says hello to the wrong place, on a branch that is not called main. */
function makeRepository(): void {
  mkdirSync(repository);
  writeFileSync(join(repository, 'greeting.txt'), 'Hello, Mars!\n');
  git(repository, 'init', '--quiet', '--initial-branch=trunk');
  git(repository, 'add', '--all');
  git(repository, 'commit', '--quiet', '--message', 'A greeting');
  mkdirSync(join(repository, 'inner'));
}

const result = { summary: 'The greeting was for Mars.', items: [{ item: 0, status: 'done', note: 'Edited.' }] };
const turns = [
  { calls: [{ tool: 'read', input: { file_path: 'greeting.txt' } }] },
  [
    {
      when: { lastToolResult: 'Hello, Mars!' },
      calls: [{ tool: 'edit', input: { file_path: 'greeting.txt', old_string: 'Mars', new_string: 'World' } }],
    },
  ],
  { calls: [{ tool: 'submit_result', input: result }] },
];

beforeAll(() => {
  mkdirSync(temporary);
  makeRepository();
  writeFileSync(script, JSON.stringify({ conversations: [{ name: 'own', turns }] }));
});

/** The demo as a program runs it, with a folder of its own for temporary files. */
async function demo(...args: string[]) {
  const env = { ...process.env, TMPDIR: temporary, ANTHROPIC_API_KEY: '' };
  const child = spawn(process.execPath, [join(root, 'dist/test/demo/main.js'), ...args], { env });
  const ended = once(child, 'close') as Promise<[number | null]>;
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { code: (await ended)[0], out, err };
}

test('the demo works on one’s own repository by one’s own script, and leaves the commit there on a branch of its own', async () => {
  const before = { trunk: git(repository, 'rev-parse', 'trunk'), status: git(repository, 'status', '--porcelain') };
  const { code, out, err } = await demo('--repo', repository, '--script', script, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const lines = out.trim().split('\n');
  expect(lines).toHaveLength(1);
  const { ok, agents, survivors } = JSON.parse(lines[0] ?? '') as {
    ok: boolean;
    survivors: number;
    agents: { state: string; branch?: string; commit?: string }[];
  };
  expect({ ok, survivors, states: agents.map(({ state }) => state) }).toEqual({
    ...{ ok: true, survivors: 0 },
    states: ['completed', 'killed'],
  });
  const { branch = '', commit } = agents[0] ?? {};
  expect(git(repository, 'rev-parse', branch)).toBe(commit);
  expect(git(repository, 'rev-parse', `${branch}^`)).toBe(before.trunk);
  expect(git(repository, 'show', `${branch}:greeting.txt`)).toBe('Hello, World!');
  const after = { trunk: git(repository, 'rev-parse', 'trunk'), status: git(repository, 'status', '--porcelain') };
  expect(after).toEqual(before);
  expect(git(repository, 'branch', '--format=%(refname:short)').split('\n').sort()).toEqual(['trunk', branch].sort());
  expect(readdirSync(temporary)).toEqual([]);
}, 180_000);

describe('wishes that cannot be', () => {
  function made(name: string, make: (at: string) => void): string {
    const at = join(folder, name);
    mkdirSync(at);
    make(at);
    return at;
  }
  const scriptOf = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  test.each<[string, () => string[], RegExp]>([
    [
      'a folder that is not there',
      () => ['--repo', join(folder, 'nowhere')],
      /there is no such folder\. Give the path/,
    ],
    ['a file in place of a folder', () => ['--repo', script], /there is no such folder/],
    [
      'a folder without git',
      () => ['--repo', made('bare-folder', () => undefined)],
      /is no git repository.*`git init`/,
    ],
    [
      'a folder inside a repository',
      () => ['--repo', join(repository, 'inner')],
      /inside a repository\. Give the top one/,
    ],
    [
      'a repository without a commit',
      () => ['--repo', made('empty', (at) => void git(at, 'init', '--quiet'))],
      /no commit yet.*Commit something/,
    ],
    [
      'a repository without a branch checked out',
      () => [
        '--repo',
        made('detached', (at) => {
          git(folder, 'clone', '--quiet', repository, at);
          git(at, 'checkout', '--quiet', '--detach');
        }),
      ],
      /no branch is checked out there\. Run `git switch`/,
    ],
    [
      'a script that is not there',
      () => ['--script', join(folder, 'none.json')],
      /--script .*cannot be read\. Give the path/,
    ],
    ['a script that is no JSON', () => ['--script', scriptOf('a.json', '{')], /is not JSON[^]*README\.md says how/],
    [
      'a script of another shape',
      () => [
        '--repo',
        repository,
        '--script',
        scriptOf('b.json', '{"conversations":[{"name":"x","turns":[{"txt":1}]}]}'),
      ],
      /The script is not valid[^]*turns[^]*README\.md says how/,
    ],
    ['a flag that it does not know', () => ['--repository', repository], /--repository[^]*usage: npm run demo/],
    ['a flag without its value', () => ['--repo'], /--repo[^]*usage: npm run demo/],
  ])(
    '%s: said with what to do, code 2, and nothing was started',
    async (_, args, says) => {
      const { code, out, err } = await demo(...args(), '--json');
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(/^The demo cannot begin: /);
      expect(err).toMatch(says);
      expect(err).not.toMatch(/^\s+at /m);
      expect(readdirSync(temporary)).toEqual([]);
    },
    60_000,
  );
});
