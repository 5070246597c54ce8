// Starts the command line with the process around it.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { progressOn } from './progress/line.js';
import { run } from './run.js';

const manifest = new URL('../../../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
const progress = progressOn(process.stderr, process.env.TERM);
const writeTo = (stream: NodeJS.WriteStream) => (text: string) => {
  progress.clear();
  stream.write(text);
};
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await run(
  process.argv.slice(2),
  {
    env: process.env,
    home: homedir(),
    tty: process.stdout.isTTY,
    interactive: process.stdin.isTTY && process.stderr.isTTY,
    out: writeTo(process.stdout),
    err: writeTo(process.stderr),
    progress,
    signal: stop.signal,
    exitCode: 0,
  },
  version,
);
