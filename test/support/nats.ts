// A real nats-server as a child process, on a free port of loopback, with a configuration and a folder of its own.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './redis.js';
import { until } from './until.js';

/** For `requirement(...)`: what it is called, whether it is here, and how to get it. */
export const natsRequirement = ['nats-server', runs(), 'apt-get install nats-server'] as const;

export interface NatsServer {
  /** `nats://` of loopback. */
  readonly url: string;
  readonly port: number;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Starts it again after a kill, on the same port. */
  start(): Promise<void>;
  /** Kills it and removes its folder. */
  dispose(): Promise<void>;
}

/** `more` is added to its configuration: users and what each may, TLS. `files` are put into its folder, which `more` gets. */
export async function startNats(
  more: (folder: string) => string = () => '',
  files: Readonly<Record<string, string>> = {},
): Promise<NatsServer> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-nats-'));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text, { mode: 0o600 });
  const port = await freePort();
  const config = join(folder, 'nats.conf');
  await writeFile(config, `host: 127.0.0.1\nport: ${port}\n${more(folder)}\n`);
  let server: ChildProcess;
  const start = async () => {
    server = spawn('nats-server', ['-c', config, '-l', join(folder, 'log')], { stdio: 'ignore' });
    await until(`a broker on port ${port}`, () => answers(port));
  };
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  await start();
  const dispose = async () => {
    await kill();
    await rm(folder, { recursive: true, force: true });
  };
  return { url: `nats://127.0.0.1:${port}`, port, start, kill, dispose };
}

function runs(): boolean {
  try {
    execFileSync('nats-server', ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Whether it greets whoever connects. */
function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(1_000, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(false));
  socket.once('data', (data) => {
    resolve(data.toString().startsWith('INFO '));
    socket.destroy();
  });
  return promise;
}
