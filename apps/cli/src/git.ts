// Git, for the repository that a person stands in: no hook of it runs, no other transport than a file, nothing is asked of anybody.
import { execFile } from 'node:child_process';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { WritError } from '#protocol';
import type { World } from './world.js';

const run = promisify(execFile);
const outputBytesMax = 2 ** 20;

const settings = [
  ...['core.hooksPath=/dev/null', 'core.fsmonitor=false', 'transfer.fsckObjects=true', 'fetch.fsckObjects=true'],
  ...[
    'fetch.recurseSubmodules=false',
    'fetch.prune=false',
    'gc.auto=0',
    'maintenance.auto=false',
    'advice.detachedHead=false',
  ],
];

/** Git said no, in its own words. */
export class GitFailure extends Error {
  constructor(
    readonly said: string,
    cause: unknown,
  ) {
    super(said, { cause });
  }
}

/** What it says, without the last line end; `input` is what it reads. @throws GitFailure; WritError `invalid_request` where there is no git */
export async function git(world: World, args: readonly string[], input?: Readable): Promise<string> {
  const given = settings.flatMap((setting) => ['-c', setting]);
  const env = { ...world.env, GIT_ALLOW_PROTOCOL: 'file', GIT_TERMINAL_PROMPT: '0', LC_ALL: 'C' };
  try {
    const running = run('git', [...given, ...args], { env, signal: world.signal, maxBuffer: outputBytesMax });
    const { stdin } = running.child;
    // One that ends before it has read all says itself why.
    if (input && stdin) pipeline(input, stdin).catch(() => undefined);
    return (await running).stdout.trimEnd();
  } catch (error) {
    const { code, stderr = '' } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT')
      throw new WritError('invalid_request', 'There is no git here: install it, or take the file with --bundle.');
    throw new GitFailure(stderr.trim(), error);
  }
}
