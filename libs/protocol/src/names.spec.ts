import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { requirement } from '../../../test/support/require.js';
import {
  agentId,
  branchName,
  idempotencyKey,
  profileName,
  repositoryUrl,
  spawnArgs,
  spokeName,
  taskId,
  thumbprint,
} from './index.js';

type Schema = { safeParse: (value: unknown) => { success: boolean } };
const takes = (schema: Schema, value: unknown) => schema.safeParse(value).success;

describe('[W-4] a repository', () => {
  test.each([
    'https://github.com/acme/site',
    'https://github.com/acme/site.git',
    'http://127.0.0.1:3000/acme/site.git',
    'ssh://git@git.example/acme/site',
    'ssh://git.example:2222/~user/site.git',
    'git@github.com:acme/site.git',
    'file:///srv/git/site.git',
    'https://git.example/with%20space/a+b@c_d-e..f',
  ])('%s is one', (url) => expect(takes(repositoryUrl, url)).toBe(true));

  test.each([
    ['an option', '--upload-pack=touch /tmp/owned'],
    ['an option after a scheme', 'ssh://-oProxyCommand=touch${IFS}x/repo'],
    ['an option as user', 'ssh://-oProxyCommand=x@host/repo'],
    ['an option as scp host', 'git@-oProxyCommand=x:repo'],
    ['an option as scp user', '-oProxyCommand=x@host:repo'],
    ['an option as path', 'git@host:--upload-pack=x'],
    ['an option as first segment', 'https://host/--upload-pack=x'],
    ['a transport that runs programs', 'ext::sh -c touch% /tmp/owned'],
    ['a transport by helper', 'fd::17'],
    ['a helper before a URL', 'transport::https://host/repo'],
    ['git without encryption', 'git://host/repo'],
    ['a local path', '/etc'],
    ['a relative path', '../other'],
    ['a relative file', 'file://../other'],
    ['a file on a host', 'file://host/share'],
    ['a bundle or a name', 'origin'],
    ['a name and password', 'https://user:secret@host/repo'],
    ['a name', 'https://token@host/repo'],
    ['a password for ssh', 'ssh://user:secret@host/repo'],
    ['a query', 'https://host/repo?x=1'],
    ['a fragment', 'https://host/repo#main'],
    ['climbing', 'https://host/acme/../evil'],
    ['climbing at the end', 'https://host/acme/..'],
    ['climbing by scp', 'git@host:../evil'],
    ['a dot segment', 'https://host/acme/./site'],
    ['climbing in percent escapes', 'https://host/acme/%2e%2e/evil'],
    ['climbing in one percent escape', 'https://host/acme/.%2E/evil'],
    ['a slash in a percent escape', 'https://host/acme/x%2f..%2fevil'],
    ['a percent escape of a percent', 'https://host/acme/%252e%252e/evil'],
    ['a NUL in a percent escape', 'https://host/acme/site%00'],
    ['a back slash', 'https://host/acme\\..\\evil'],
    ['a line break', 'https://host/repo\nhttps://evil/repo'],
    ['a line break at the end', 'https://host/repo\n'],
    ['a NUL', 'https://host/repo\u0000'],
    ['a space', 'https://host/repo --upload-pack=x'],
    ['a command in back quotes', 'https://host/`id`'],
    ['a command in dollars', 'https://host/$(id)'],
    ['an expression of a shell', 'https://host/repo;id'],
    ['letters that look alike', 'https://gіthub.com/acme/site'],
    ['no path', 'https://host/'],
    ['no host', 'https:///repo'],
    ['a scheme in upper case', 'HTTPS://host/repo'],
    ['another scheme', 'javascript:alert(1)'],
    ['nothing', ''],
    ['2,049 characters', `https://host/${'a'.repeat(2_036)}`],
  ])('is never %s', (_what, url) => expect(takes(repositoryUrl, url)).toBe(false));
});

describe('[W-4] a branch', () => {
  test.each(['main', 'release/1.2', 'feature/a_b-c', 'v1+build', 'issue#12', '_x', 'a/-b'])('%s is one', (name) =>
    expect(takes(branchName, name)).toBe(true),
  );

  test.each([
    ['an option', '--upload-pack=x'],
    ['a short option', '-f'],
    ['a refspec', 'main:refs/heads/evil'],
    ['a forced refspec', '+main'],
    ['climbing', '../evil'],
    ['climbing inside', 'a/../b'],
    ['a range', 'a..b'],
    ['an ancestor', 'main~1'],
    ['a parent', 'main^'],
    ['a reflog entry', 'main@{1}'],
    ['the short HEAD', '@'],
    ['HEAD', 'HEAD'],
    ['a lock', 'main.lock'],
    ['a lock inside', 'a.lock/b'],
    ['a hidden part', 'a/.b'],
    ['an absolute path', '/etc'],
    ['a slash at the end', 'a/'],
    ['a dot at the end', 'a.'],
    ['two slashes', 'a//b'],
    ['a glob', 'a*'],
    ['a space', 'a b'],
    ['a line break', 'a\n--force'],
    ['a line break at the end', 'a\n'],
    ['a NUL', 'a\u0000'],
    ['a back slash', 'a\\b'],
    ['a command', '$(id)'],
    ['nothing', ''],
    ['201 characters', 'a'.repeat(201)],
  ])('is never %s', (_what, name) => expect(takes(branchName, name)).toBe(false));

  const git = (...args: string[]) => {
    try {
      execFileSync('git', args, { stdio: 'ignore' });
      return true;
    } catch {
      return false;
    }
  };

  requirement(
    'git',
    git('--version'),
    'install git',
  )('whatever is taken, git takes as a branch name', () => {
    const part = fc.stringMatching(/^[A-Za-z0-9_.+#@{~^-]{0,5}$/);
    const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/'));
    fc.assert(
      fc.property(name, (text) => {
        fc.pre(takes(branchName, text));
        expect(git('check-ref-format', '--branch', text)).toBe(true);
      }),
      { numRuns: 60, maxSkipsPerRun: 1_000 },
    );
  });
});

describe('[S-3] names and ids', () => {
  const hostile = [
    '',
    '-x',
    '../x',
    'a/b',
    'a b',
    'a\n',
    'a\u0000',
    '\u001b[2J',
    '__proto__\u200b',
    'é',
    'x'.repeat(129),
  ];

  test.each<[string, Schema, string]>([
    ['a task id', taskId, 'T-1:a.b_c'],
    ['a profile name', profileName, 'code-review.v2'],
    ['the name of a spoke', spokeName, 'Acme-1'],
    ['an agent id', agentId, '0190d5a8-7f31-8abc-9def-0123456789ab'],
    ['a thumbprint', thumbprint, 'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k'],
    ['an idempotency key', idempotencyKey, 'order/42;a=b'],
  ])('%s has its charset and length', (_what, schema, good) => {
    expect(takes(schema, good)).toBe(true);
    const visible = schema === idempotencyKey ? hostile.filter((text) => !/^[\x21-\x7e]{1,128}$/.test(text)) : hostile;
    for (const bad of [...visible, 7, null, undefined, {}, [good]]) expect(takes(schema, bad)).toBe(false);
  });

  const spawn = {
    taskId: 't',
    agentType: 'worker',
    context: { repository: 'https://host/repo', branch: 'main', workItems: ['mend it'] },
  };

  test.each<[string, object, string]>([
    ['no context', { context: undefined }, 'context'],
    ['context of the wrong type', { context: 'x' }, 'context'],
    ['no work items', { context: { ...spawn.context, workItems: [] } }, 'context.workItems'],
    ['an empty work item', { context: { ...spawn.context, workItems: ['  '] } }, 'context.workItems.0'],
    [
      'a work item of 8,001 characters',
      { context: { ...spawn.context, workItems: ['x'.repeat(8_001)] } },
      'context.workItems.0',
    ],
    ['a hostile branch', { context: { ...spawn.context, branch: '--force' } }, 'context.branch'],
    ['a hostile skill', { context: { ...spawn.context, skills: ['../../etc'] } }, 'context.skills.0'],
    ['an unknown agent type', { agentType: 'root' }, 'agentType'],
    ['an unknown field', { privileged: true }, ''],
    ['an unknown option', { options: { privileged: true } }, 'options'],
    ['a hostile model', { options: { model: '$(id)' } }, 'options.model'],
    ['a limit that is no integer', { options: { limits: { turnsMax: 1.5 } } }, 'options.limits.turnsMax'],
    ['a limit of zero', { options: { limits: { turnsMax: 0 } } }, 'options.limits.turnsMax'],
  ])('a spawn with %s is refused by the name of the field', (_what, change, field) => {
    const parsed = spawnArgs.safeParse({ ...spawn, ...change });
    expect(parsed.error?.issues.map((issue) => issue.path.join('.'))).toContain(field);
  });

  test('a spawn without anything else is taken', () => {
    expect(spawnArgs.parse(spawn)).toEqual({ ...spawn, options: {} });
  });
});
