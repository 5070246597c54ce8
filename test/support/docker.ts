// A container engine of the tests' own: socket, data and image in a temporary folder, gone with everything it made.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { descendants, running, stillAlive } from './processes.js';
import { until } from './until.js';

const run = promisify(execFile);
const imageTool = fileURLToPath(new URL('../../tools/sandbox-image.mjs', import.meta.url));
const startMsMax = 60_000;

/**
 * `bare`: no bridge; what asks for it uses the machine's network. `apart`: bridges, names and published ports as usual, in a network
 * of its own that reaches nothing beyond and leaves nothing on the machine.
 */
type EngineNetwork = 'bare' | 'apart';

const starts: Readonly<Record<EngineNetwork, readonly string[]>> = {
  bare: ['dockerd', '--bridge=none', '--iptables=false', '--ip6tables=false'],
  apart: ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', 'dockerd'],
};

export interface TestEngine {
  readonly socketPath: string;
  /** The id of the sandbox image. */
  readonly image: string;
  /** Ends the engine, as an upgrade or a crash would; what it knows stays on disk. */
  away(how: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again. */
  back(): Promise<void>;
  close(): Promise<void>;
}

/** The engine, or why there is none and how to get one. */
export async function openEngine(): Promise<{ readonly engine?: TestEngine; readonly missing: string }> {
  const { engine, missing } = await bareEngine();
  if (!engine) return { missing };
  try {
    const { stdout } = await run(process.execPath, [imageTool, '--socket', engine.socketPath]);
    engine.image = stdout.trim();
    return { engine, missing: '' };
  } catch (error) {
    await engine.close();
    return { missing: `a machine of which the sandbox image can be made (${String(error)})` };
  }
}

/** One without any image, in the network `bare`. */
export async function bareEngine(): Promise<{ readonly engine?: Engine; readonly missing: string }> {
  if (process.getuid?.() !== 0) return { missing: 'run the tests as root: a container engine of their own needs it' };
  if (!(await run('dockerd', ['--version']).catch(() => null))) return { missing: '`apt-get install docker.io`' };
  const engine = new Engine(await mkdtemp(join(tmpdir(), 'writ-docker-')));
  try {
    await engine.back();
    return { engine, missing: '' };
  } catch (error) {
    const log = await readFile(join(engine.folder, 'log'), 'utf8').catch(() => '');
    await engine.close();
    return { missing: `a machine where dockerd starts (${String(error)}): ${log.trim().split('\n').at(-1) ?? ''}` };
  }
}

export class Engine implements TestEngine {
  image = '';
  private daemon?: ChildProcess;

  constructor(readonly folder: string) {}

  get socketPath(): string {
    return join(this.folder, 'engine.sock');
  }

  /** That of `dockerd`, whose network is the engine's. @throws Error when it is away */
  get pid(): number {
    if (this.daemon?.pid === undefined) throw new Error('the engine is away');
    return this.daemon.pid;
  }

  async away(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { daemon } = this;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exit = once(daemon, 'exit');
    daemon.kill(how);
    await exit;
    if (how === 'SIGKILL') await this.endBackground();
  }

  /** What a killed engine leaves beside it would keep the next one from starting; what runs in containers goes on. */
  private async endBackground(): Promise<void> {
    const file = join(this.folder, 'exec', 'containerd', 'containerd.pid');
    const pid = Number(await readFile(file, 'utf8').catch(() => ''));
    if (pid > 1 && (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).includes(this.folder))
      process.kill(pid, 'SIGKILL');
    for (const stale of [file, join(this.folder, 'pid')]) await rm(stale, { force: true });
  }

  async back(network: EngineNetwork = 'bare'): Promise<void> {
    const daemon = (this.daemon = await start(this.folder, network));
    const answers = () => run('docker', ['--host', `unix://${this.socketPath}`, 'version']).catch(() => undefined);
    await until('the engine answers', async () => daemon.exitCode !== null || (await answers()), startMsMax);
    if (daemon.exitCode !== null)
      throw new Error(
        `dockerd ended: ${(await readFile(join(this.folder, 'log'), 'utf8')).trim().split('\n').at(-1) ?? ''}`,
      );
  }

  async close(): Promise<void> {
    await this.away('SIGTERM');
    // Of an engine that was killed and never came back, containers live on.
    for (const shim of running(`${this.folder}/exec/`))
      for (const one of [...descendants(shim.pid), shim])
        if (stillAlive([one]).length > 0) process.kill(one.pid, 'SIGKILL');
    for (const point of (await mounts(this.folder)).reverse()) await run('umount', ['--lazy', point]);
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** It ends with the process that started it, however that ends. */
async function start(folder: string, network: EngineNetwork): Promise<ChildProcess> {
  const config = join(folder, 'daemon.json');
  await writeFile(config, '{}');
  const places = [
    ...['--config-file', config, '--data-root', join(folder, 'data'), '--exec-root', join(folder, 'exec')],
    ...['--pidfile', join(folder, 'pid'), '--host', `unix://${join(folder, 'engine.sock')}`],
  ];
  const script = 'log=$1; shift; exec setpriv --pdeathsig TERM "$@" >>"$log" 2>&1';
  const args = ['-c', script, 'sh', join(folder, 'log'), ...starts[network], ...places];
  return spawn('/bin/sh', args, { stdio: 'ignore', detached: true });
}

/** What is mounted below a folder, outermost first. */
async function mounts(folder: string): Promise<string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '').filter((point) => point.startsWith(`${folder}/`));
}
