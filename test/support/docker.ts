// A container engine of the tests' own: socket, data and image in a temporary folder, gone with everything it made.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { until } from './until.js';

const run = promisify(execFile);
const imageTool = fileURLToPath(new URL('../../tools/sandbox-image.mjs', import.meta.url));
const startMsMax = 60_000;
const flags = ['--bridge=none', '--iptables=false', '--ip6tables=false'];

export interface TestEngine {
  readonly socketPath: string;
  /** The id of the sandbox image. */
  readonly image: string;
  close(): Promise<void>;
}

/** The engine, or why there is none and how to get one. */
export async function openEngine(): Promise<{ readonly engine?: TestEngine; readonly missing: string }> {
  if (process.getuid?.() !== 0) return { missing: 'run the tests as root: a container engine of their own needs it' };
  if (!(await run('dockerd', ['--version']).catch(() => null))) return { missing: '`apt-get install docker.io`' };
  const folder = await mkdtemp(join(tmpdir(), 'writ-docker-'));
  const daemon = await start(folder);
  try {
    const socketPath = join(folder, 'engine.sock');
    await until('the engine listens', () => daemon.exitCode !== null || existsSync(socketPath), startMsMax);
    const { stdout } = await run(process.execPath, [imageTool, '--socket', socketPath]);
    return { engine: { socketPath, image: stdout.trim(), close: () => stop(daemon, folder) }, missing: '' };
  } catch (error) {
    const log = await readFile(join(folder, 'log'), 'utf8').catch(() => '');
    await stop(daemon, folder);
    return { missing: `a machine where dockerd starts (${String(error)}): ${log.trim().split('\n').at(-1) ?? ''}` };
  }
}

/** It ends with the process that started it, however that ends. */
async function start(folder: string): Promise<ChildProcess> {
  const config = join(folder, 'daemon.json');
  await writeFile(config, '{}');
  const places = [
    ...['--config-file', config, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'pid'), '--host', `unix://${join(folder, 'engine.sock')}`],
  ];
  const script = 'log=$1; shift; exec setpriv --pdeathsig TERM dockerd "$@" >"$log" 2>&1';
  const args = ['-c', script, 'sh', join(folder, 'log'), ...flags, ...places];
  return spawn('/bin/sh', args, { stdio: 'ignore', detached: true });
}

async function stop(daemon: ChildProcess, folder: string): Promise<void> {
  if (daemon.exitCode === null && daemon.signalCode === null) {
    const exit = once(daemon, 'exit');
    daemon.kill('SIGTERM');
    await exit;
  }
  for (const point of (await mounts(folder)).reverse()) await run('umount', ['--lazy', point]);
  await rm(folder, { recursive: true, force: true });
}

/** What is mounted below a folder, outermost first. */
async function mounts(folder: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '').filter((point) => point.startsWith(`${folder}/`));
}
