// What the pages for admins tell to type can be typed: every command and flag exists, and the unit is one that systemd takes.
import { describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { buildProgram } from '../../apps/cli/src/program.js';
import { root } from '../support/instance.js';

const read = (page: string) => readFileSync(join(root, page), 'utf8');
const nothing = () => undefined;
const world = { env: {}, home: '/', tty: false, interactive: false, out: nothing, err: nothing };
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
    return [...bare.matchAll(/(?:^|[|&]\s*|\s)writ ([a-z-][^|&;>]*)/g)].map(([, rest = '']) => rest.trim());
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

describe('the pages for admins', () => {
  test.each(['README.md', 'docs/operations.md', 'docs/security.md'])(
    '%s names no command and no flag that there is not',
    (page) => {
      const lines = typed(page);
      expect(lines.length).toBeGreaterThan(3);
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

  const analyze = 'systemd-analyze';
  const judged = spawnSync(analyze, ['--version']).status === 0 ? test : test.skip;
  judged('the unit of a spoke, and of a hub made of it, is one that systemd takes', () => {
    const [, unit = ''] = /```ini\n([^]*?)```/.exec(read('docs/operations.md')) ?? [];
    const folder = mkdtempSync(join(tmpdir(), 'writ-unit-'));
    for (const role of ['spoke', 'hub']) {
      const file = join(folder, `writ-${role}.service`);
      const own = unit.replaceAll('spoke', role).replace('/usr/local/bin/writ', process.execPath);
      writeFileSync(file, role === 'hub' ? own.replace('Delegate=yes\n', '') : own);
      const { status, stderr } = spawnSync(analyze, ['verify', file], { encoding: 'utf8' });
      expect([role, status, stderr]).toEqual([role, 0, '']);
    }
    rmSync(folder, { recursive: true });
  });
});
