// A real valkey-server or redis-server as a child process, on a free port of loopback, with a folder of its own.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.js';

const binary = ['valkey-server', 'redis-server'].find(runs);

/** For `requirement(...)`: what it is called, whether it is here, and how to get it. */
export const redisRequirement = [
  'valkey-server',
  binary !== undefined,
  'apt-get install valkey-server (or redis-server)',
] as const;

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** SIGKILL: what was not synced is gone. */
  kill(): Promise<void>;
  /** Starts it again after a kill, same port, same folder. */
  start(): Promise<void>;
  /** Stops answering without closing a connection (SIGSTOP), and goes on. */
  pause(): void;
  resume(): void;
  /** Kills it and removes its folder. */
  dispose(): Promise<void>;
}

/** `synced` writes and syncs every command before it answers; otherwise nothing is ever written to disk. */
export async function startRedis({ synced }: { synced: boolean }): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'writ-redis-'));
  const port = await freePort();
  const settings = synced ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const place = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', '', '--loglevel', 'warning'];
  let server: ChildProcess;
  const start = async () => {
    server = spawn(binary ?? 'valkey-server', [...place, ...settings], { stdio: 'ignore' });
    await until(`a server on port ${port}`, () => answers(port));
  };
  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const exited = once(server, 'exit');
    server.kill('SIGKILL');
    await exited;
  };
  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    kill,
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    dispose: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function runs(name: string): boolean {
  try {
    execFileSync(name, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}

/** Whether PING gets its PONG: while it loads its data a server answers with an error. */
function answers(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
  socket.setTimeout(1_000, () => socket.destroy());
  socket.on('error', () => undefined);
  socket.on('close', () => resolve(false));
  socket.once('data', (data) => {
    resolve(data.toString().startsWith('+PONG'));
    socket.destroy();
  });
  return promise;
}
