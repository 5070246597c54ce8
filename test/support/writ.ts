// Runs the built command line as a real child process.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const root = join(import.meta.dirname, '../..');
const writBin = join(root, 'apps/cli/bin/writ.mjs');

export interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export interface WritOptions {
  readonly env?: Record<string, string>;
  /** Another Node than this one. */
  readonly node?: string;
  readonly bin?: string;
  readonly cwd?: string;
}

/** No environment of ours leaks in: a home of its own, and nothing named WRIT_. */
export function startWrit(
  args: readonly string[],
  { env = {}, node = process.execPath, bin = writBin, cwd = root }: WritOptions = {},
): ChildProcess {
  const bare = { PATH: process.env.PATH ?? '', HOME: '/nonexistent', ...env };
  return spawn(node, [bin, ...args], { env: bare, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function writ(args: readonly string[], options: WritOptions = {}): Promise<Ran> {
  const child = startWrit(args, options);
  const ended = new Promise<number | null>((resolve, reject) => child.once('close', resolve).once('error', reject));
  const [out, err, code] = await Promise.all([text(child.stdout!), text(child.stderr!), ended]);
  return { code, out, err };
}
