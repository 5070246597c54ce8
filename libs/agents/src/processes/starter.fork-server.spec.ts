// Processes started by the fork server: the contract, and what becomes of them when it dies, hangs or is left alone.
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { descendants, running, stillAlive } from '../../../../test/support/processes.js';
import { until } from '../../../../test/support/until.js';
import { identify, isAlive } from '../sandbox/process.js';
import { ForkServer } from './fork-server/fork-server.js';
import { starterContract } from './starter.contract.js';

const warned: string[] = [];
const log = { warn: (_context: object, message: string) => warned.push(message) };
const project = fileURLToPath(new URL('../../../../', import.meta.url));
const path = { PATH: '/usr/bin:/bin' };

describe('the contract', () => starterContract(() => ForkServer.open(log)));

describe('the fork server', () => {
  let server: ForkServer;
  const shell = (script: string, pipes = 3) =>
    server.start({ argv: ['/bin/sh', '-c', script], env: path, cwd: '/', pipes });

  beforeEach(async () => {
    server = await ForkServer.open(log, 1_000);
    warned.length = 0;
  });
  afterEach(() => server.close());

  test('[K-12] when it dies, what it had started is killed and told as killed, and the next start has another', async () => {
    const started = await Promise.all([shell('sleep 300 & wait'), shell('trap "" TERM; sleep 300')]);
    const before = server.pid!;
    const brood = await until('all of them run', () => {
      const found = descendants(before);
      return found.length >= 4 ? found : undefined;
    });
    process.kill(before, 'SIGKILL');
    const killed = { code: null, signal: 'SIGKILL' };
    expect(await Promise.all(started.map(({ exit }) => exit))).toEqual([killed, killed]);
    await until('nothing of it lives', () => stillAlive(brood).length === 0);
    const next = await shell('exit 3');
    expect(await next.exit).toEqual({ code: 3, signal: null });
    expect(server.pid).not.toBe(before);
    expect(warned).toHaveLength(1);
  });

  test('when it dies in the middle of starts, each is refused or ended: none is lost', async () => {
    const mark = `30${process.pid}`;
    const starts = Array.from({ length: 20 }, () => shell(`read -r go <&3 || exit 125; exec sleep ${mark}`, 4));
    setTimeout(() => process.kill(server.pid!, 'SIGKILL'), 15);
    const outcomes = await Promise.allSettled(starts);
    for (const outcome of outcomes)
      if (outcome.status === 'fulfilled') expect((await outcome.value.exit).signal).toBe('SIGKILL');
    await until('nothing of it lives', () => running(mark).length === 0);
    expect(await (await shell('exit 0')).exit).toEqual({ code: 0, signal: null });
  });

  test('one that hangs is ended: the start is refused in time, and the next has another', async () => {
    const { exit } = await shell('sleep 300');
    process.kill(server.pid!, 'SIGSTOP');
    await expect(shell('exit 0')).rejects.toThrow('ended before the process was started');
    expect((await exit).signal).toBe('SIGKILL');
    expect(await (await shell('exit 4')).exit).toEqual({ code: 4, signal: null });
  });

  test('signals of a service manager or a terminal do not end it', async () => {
    await shell('exit 0');
    const { pid } = server;
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.kill(pid!, signal);
    expect(await (await shell('exit 5')).exit).toEqual({ code: 5, signal: null });
    expect(server.pid).toBe(pid);
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
    expect(Number(fields[3])).toBe(pid);
  });

  test('it knows nothing of its environment, and nobody else may enter where pipes arrive', async () => {
    expect(readFileSync(`/proc/${server.pid}/environ`, 'utf8').replace(/^NODE_CHANNEL_[A-Z_]+=\w+$/gm, '')).not.toMatch(
      /PATH|HOME|KEY/,
    );
    const socketPath = readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').split('\0').at(-2)!;
    const stranger = connect(socketPath);
    stranger.write('0'.repeat(32));
    await once(stranger, 'close');
    expect(await (await shell('exit 0')).exit).toEqual({ code: 0, signal: null });
  });

  test('after a kill -9 of its spoke neither it nor what it had started, nor its socket, is left', async () => {
    const mark = `31${process.pid}`;
    const program = `
      import { openForkServer, openSandboxes } from '#agents';
      await openForkServer({ warn: console.error });
      const sandbox = (await openSandboxes({ stateDir: process.argv[1] })).pick('unshare');
      const never = new AbortController().signal;
      const spec = { agentId: process.argv[2], argv: ['sleep', '${mark}'], env: {}, cwd: '/', mounts: [], limits: {} };
      await sandbox.launch(spec, never);
      process.stdout.write('up');
      setInterval(() => {}, 1000);`;
    const folder = join(tmpdir(), `writ-fork-${mark}`);
    const args = ['--input-type=module', '-e', program, folder, '11111111-1111-4111-8111-111111111111'];
    const spoke = spawn(process.execPath, args, { cwd: project, stdio: ['ignore', 'pipe', 'inherit'] });
    await once(spoke.stdout, 'data');
    await until('the agent runs', () => running(mark).some(({ command }) => command === `sleep ${mark}`));
    const brood = descendants(spoke.pid!);
    const sockets = brood.flatMap(({ command }) => /\S+\/pipes$/.exec(command)?.[0] ?? []);
    expect(sockets).toHaveLength(1);
    spoke.kill('SIGKILL');
    await until('nothing of it lives', () => stillAlive(brood).length === 0);
    expect(() => readdirSync(join(sockets[0]!, '..'))).toThrow('ENOENT');
    rmSync(folder, { recursive: true });
  });

  test('closed, it is gone, and what still ran with it', async () => {
    const { id, exit } = await shell('sleep 300');
    const pid = identify(server.pid!)!;
    await server.close();
    expect((await exit).signal).toBe('SIGKILL');
    await until('both are gone', () => !isAlive(id) && !isAlive(pid));
    await expect(shell('exit 0')).rejects.toThrow('closed');
  });
});
