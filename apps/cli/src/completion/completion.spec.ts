// Completion: what is offered follows from the commands as they are; a real bash asks the real `writ`.
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../../../../test/support/instance.js';
import { TinyHome } from '../../../../test/support/tiny-home.js';
import { writ } from '../../../../test/support/writ.js';
import { buildProgram } from '../program.js';
import { noProgress } from '../progress/progress.js';
import type { World } from '../world.js';
import { candidates } from './candidates.js';
import { scripts } from './scripts.js';

const run = promisify(execFile);
const quiet = () => undefined;
const world: World = {
  ...{ env: {}, home: '/nonexistent', tty: false, interactive: false, exitCode: 0 },
  ...{ out: quiet, err: quiet, progress: noProgress, signal: new AbortController().signal },
};
const offered = (...words: string[]) =>
  candidates(buildProgram(world, '0.0.0'), words, (what) => Promise.resolve([`${what}-1`, `${what}-2`]));

describe('completion offers', () => {
  test.each<[string, string[], string[]]>([
    ['commands', ['gr'], ['grants']],
    ['commands of a group', ['grants', 'v'], ['validate']],
    ['choices of an option', ['-o', 'j'], ['json']],
    ['an option by its beginning', ['spawn', '--idem'], ['--idempotency-key']],
    ['options that every command takes', ['ps', '--cont'], ['--context']],
    ['agents where one is meant', ['logs', ''], ['agent-1', 'agent-2']],
    ['spokes after their option', ['spawn', '--spoke', 'spoke-2'], ['spoke-2']],
    ['contexts', ['context', 'use', ''], ['context-1', 'context-2']],
    ['nothing where a file is meant', ['backup', ''], []],
    ['nothing twice: the value of an option is no command', ['--url', 'ps', 'kil'], ['kill']],
    ['shells', ['completion', ''], ['bash', 'fish', 'zsh']],
  ])('%s', async (_what, words, expected) => {
    expect(await offered(...words)).toEqual(expected);
  });

  test('nothing hidden', async () => {
    expect((await offered('')).filter((name) => name.startsWith('_'))).toEqual([]);
  });
});

describe('in a shell', () => {
  let home: TinyHome;
  beforeAll(async () => {
    home = await TinyHome.open();
  });
  afterAll(() => home.close());

  test('bash asks the instance for its agents, and an instance that is away for nothing', async () => {
    const bin = join(home.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(
      join(bin, 'writ'),
      `#!/bin/sh\nexec ${process.execPath} ${join(root, 'apps/cli/bin/writ.mjs')} "$@"\n`,
      {
        mode: 0o755,
      },
    );
    const env = { PATH: `${bin}:${process.env.PATH ?? ''}`, HOME: home.folder };
    const ask = async (words: string) => {
      const typed = `COMP_WORDS=(${words}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); _writ`;
      const script = `${scripts.bash}\n${typed}; printf '%s\\n' "\${COMPREPLY[@]}"`;
      return (await run('bash', ['-c', script], { env })).stdout.trim();
    };
    const { agentId } = await home.spawned();
    expect(await ask(`writ logs '${agentId.slice(0, 4)}'`)).toBe(agentId);
    expect(await writ(['__complete', '--', 'logs', ''], { env: { HOME: '/nonexistent' } })).toEqual({
      ...{ code: 0, out: '', err: '' },
    });
  }, 120_000);
});
