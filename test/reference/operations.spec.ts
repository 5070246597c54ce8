// What the pages tell to type can be typed: every command and flag exists, and every example of a configuration is one.
import { describe, expect, test } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { inviteLifetimeS, lifetimeMaxS, newApiKey } from '#protocol';
import { noProgress } from '../../apps/cli/src/progress/progress.js';
import { buildProgram } from '../../apps/cli/src/program.js';
import { readConfig } from '../../apps/spoke/src/config.js';
import { root } from '../support/instance.js';

const read = (page: string) => readFileSync(join(root, page), 'utf8');
const nothing = () => undefined;
const world = { env: {}, home: '/', tty: false, interactive: false, out: nothing, err: nothing, progress: noProgress };
const program = buildProgram({ ...world, signal: new AbortController().signal, exitCode: 0 }, '');

/** All that a page shows of the command line: in blocks and between backticks. */
function typed(page: string): string[] {
  const lines = [...read(page).matchAll(/```sh\n([^]*?)```/g)].flatMap(([, block = '']) => block.split('\n'));
  const inline = [...read(page).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return [...lines, ...inline].flatMap((line) => {
    const bare = line
      .replace(/(^|\s)#.*$/, '')
      .replace(/'[^']*'|"[^"]*"/g, 'TEXT')
      .replace(/ (--[a-z]+) (FILE|DIR|URL)/g, ' $1=$2');
    return [...bare.matchAll(/(?:^|[|&]\s*|\s)writ ((?!-- )[a-z-][^|&;>]*)/g)].map(([, rest = '']) => rest.trim());
  });
}

/** Null when every word of it is known. */
function fault(line: string): string | null {
  let command: Command = program;
  const words = line.split(/\s+/);
  const options = () => [...program.options, ...command.options];
  for (const word of words) {
    const [flag = ''] = word.replace(/[,.:\])]+$/, '').split('=');
    const next = command.commands.find((one) => one.name() === flag || one.aliases().includes(flag));
    if (next) command = next;
    else if (command === program && !flag.startsWith('-')) return `there is no command ${flag}`;
    if (
      /^--?[a-z]/.test(flag) &&
      flag !== '--help' &&
      !options().some(({ long, short }) => [long, short].includes(flag))
    )
      return `${command.name()} has no ${flag}`;
  }
  return null;
}

const quickstarts = ['hub', 'spoke', 'client'].map((name) => `docs/quickstart-${name}.md`);
const howTos = globSync('docs/how-to/*.md', { cwd: root });

describe('the pages for admins', () => {
  test.each(['README.md', 'docs/operations.md', 'docs/deployment.md', 'docs/security.md', ...quickstarts, ...howTos])(
    '%s names no command and no flag that there is not',
    (page) => {
      const lines = typed(page);
      expect(lines.map((line) => [line, fault(line)]).filter(([, why]) => why !== null)).toEqual([]);
    },
  );

  test('the look itself sees what is wrong', () => {
    expect(['spoke --state /x', 'kill --all', 'grants set hub --agents 3'].map(fault)).toEqual([null, null, null]);
    expect(['bakup x', 'kill --everything', 'grants set hub --agnts 3'].map(fault)).toEqual([
      'there is no command bakup',
      'kill has no --everything',
      'set has no --agnts',
    ]);
  });

  test.each(['docs/operations.md', 'docs/acp.md', ...howTos.filter((page) => /```json/.test(read(page)))])(
    'every example of a configuration in %s is one that a spoke takes',
    (page) => {
      const examples = [...read(page).matchAll(/```json\n([^]*?)```/g)].map(
        ([, text = '']) => JSON.parse(text) as object,
      );
      expect(examples.length).toBeGreaterThan(0);
      const folder = mkdtempSync(join(tmpdir(), 'writ-examples-'));
      // The secret of a webhook is read at start: the one that the page has made before.
      const secret = `whsec_${randomBytes(32).toString('base64')}\n`;
      writeFileSync(join(folder, 'ops.secret'), secret, { mode: 0o600 });
      for (const example of examples) {
        const file = join(folder, 'config.json');
        // A runtime that is shown alone.
        const text = JSON.stringify('kind' in example ? { runtimes: { it: example } } : example);
        writeFileSync(file, text.replace('/etc/writ/ops.secret', join(folder, 'ops.secret')));
        expect([example, Object.isFrozen(readConfig({ WRIT_CONFIG: file }, []))]).toEqual([example, true]);
      }
      rmSync(folder, { recursive: true });
    },
  );

  test('the figures in docs/security.md are those of the code', () => {
    const page = read('docs/security.md');
    const { audit } = readConfig({}, []);
    const secret = newApiKey().split('_').slice(2).join('_');
    const figures = {
      [`${audit.retentionDays} days by default`]: true,
      [`for ${inviteLifetimeS / 60} minutes`]: true,
      [`${Buffer.from(secret, 'base64url').length * 8} random bits a key`]: true,
      'a statement of seven days': lifetimeMaxS.keys === 7 * 86_400,
      'Every hour each side': audit.checkpointEveryMs === 3_600_000,
    };
    expect(Object.entries(figures).filter(([words, isSo]) => !isSo || !page.includes(words))).toEqual([]);
  });
});
