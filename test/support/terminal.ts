// `writ` in a real terminal, as `script` of util-linux makes one.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { root } from './instance.js';
import { requirement } from './require.js';

const hasScript = spawnSync('script', ['--version']).status === 0;

/** A test that wants a terminal. */
export const inTerminal = requirement('script', hasScript, 'apt-get install bsdutils');

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Terminal {
  /** All that was written to it so far, control sequences included. */
  readonly seen: () => string;
  readonly type: (keys: string) => void;
  /** The exit code of `writ`. */
  readonly ended: Promise<number | null>;
}

/** `words` is what a person types after `writ`, for a shell: redirections are allowed. */
export function writInTerminal(
  words: string,
  env: Readonly<Record<string, string>>,
  { columns, rows }: Size = { columns: 90, rows: 20 },
): Terminal {
  const typed = `stty cols ${columns} rows ${rows}; ${process.execPath} ${join(root, 'apps/cli/bin/writ.mjs')} ${words}`;
  const child = spawn('script', ['-qec', typed, '/dev/null'], {
    env: { PATH: process.env.PATH ?? '', TERM: 'xterm', ...env },
  });
  let seen = '';
  child.stdout.on('data', (piece: Buffer) => (seen += piece.toString()));
  const ended = once(child, 'close').then(([code]) => code as number | null);
  return { seen: () => seen, type: (keys) => void child.stdin.write(keys), ended };
}
