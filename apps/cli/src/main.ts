// Starts the command line with the process around it.
import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { run } from './run.js';

const manifest = new URL('../../../../package.json', import.meta.url);
const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string };
const stop = new AbortController();
process.once('SIGINT', () => stop.abort());
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

process.exitCode = await run(
  process.argv.slice(2),
  {
    env: process.env,
    home: homedir(),
    tty: process.stdout.isTTY,
    interactive: process.stdin.isTTY && process.stderr.isTTY,
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    signal: stop.signal,
    exitCode: 0,
  },
  version,
);
