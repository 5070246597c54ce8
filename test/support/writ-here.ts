// The command line within this process, for long stories: what it costs to start one is not what they are about.
import { noProgress } from '../../apps/cli/src/progress/progress.js';
import { run } from '../../apps/cli/src/run.js';
import type { Ran } from './writ.js';

export async function writHere(args: readonly string[]): Promise<Ran> {
  const ran = { out: '', err: '' };
  const world = {
    ...{ env: {}, home: '/nonexistent', tty: false, interactive: false, exitCode: 0 },
    out: (text: string) => void (ran.out += text),
    err: (text: string) => void (ran.err += text),
    progress: noProgress,
    signal: new AbortController().signal,
  };
  return { code: await run(args, world, ''), ...ran };
}
