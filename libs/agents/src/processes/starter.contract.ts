// What every way of starting processes keeps.
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { soak } from '../../../../test/support/soak.js';
import { isAlive, signalProcess } from '../sandbox/process.js';
import { DirectStarter } from './direct.js';
import type { ProcessSpec, ProcessStarter, StartedProcess } from './starter.js';

interface Closable {
  close?(): Promise<void>;
}

const bulkBytes = soak ? 10 * 2 ** 30 : 512 * 2 ** 20;

async function outputs({ pipes, closed }: StartedProcess) {
  const [, stdout, stderr] = pipes as unknown as [Readable, Readable, Readable];
  const [out, err, end] = await Promise.all([text(stdout), text(stderr), closed]);
  return { out, err, end };
}

/** How many bytes a process says, and how many a second. */
async function flow(started: StartedProcess): Promise<{ bytes: number; perMs: number }> {
  const since = performance.now();
  let bytes = 0;
  started.pipes[1]?.on('data', (piece: Buffer) => (bytes += piece.length));
  started.pipes[2]?.resume();
  await started.closed;
  return { bytes, perMs: bytes / (performance.now() - since) };
}

/** What `child_process.spawn` says to the same wish. */
async function failureOfSpawn({ argv: [program, ...args], env, cwd }: ProcessSpec): Promise<unknown> {
  try {
    await once(spawn(program, args, { env, cwd, detached: true }), 'spawn');
    return null;
  } catch (error) {
    return about(error);
  }
}

function about(error: unknown): unknown {
  const { message, name, code, errno, syscall, path } = error as NodeJS.ErrnoException;
  return { message, name, code, errno, syscall, path };
}

export function starterContract(open: () => Promise<ProcessStarter & Closable>): void {
  let starter: ProcessStarter & Closable;
  const folder = mkdtempSync(join(tmpdir(), 'writ-starter-'));
  const spec = (argv: ProcessSpec['argv'], more: Partial<ProcessSpec> = {}): ProcessSpec => {
    return { argv, env: {}, cwd: folder, pipes: 3, ...more };
  };
  const shell = (script: string, more: Partial<ProcessSpec> = {}) =>
    starter.start(spec(['/bin/sh', '-c', script], more));

  beforeAll(async () => {
    starter = await open();
  });
  afterAll(async () => {
    await starter.close?.();
    rmSync(folder, { recursive: true });
  });

  test('a process has its arguments, its folder and its exit code', async () => {
    const words = ["it's $HOME", 'ä\u2028\n', ''];
    const started = await starter.start(
      spec(['/bin/sh', '-c', 'printf "%s|" "$@"; pwd; echo oops >&2; exit 7', 'sh', ...words]),
    );
    const end = { code: 7, signal: null };
    expect(await outputs(started)).toEqual({ out: `it's $HOME|ä\u2028\n||${folder}\n`, err: 'oops\n', end });
    expect(await started.exit).toEqual(end);
  });

  test('its environment is what is named, and nothing else', async () => {
    const env = { B: '', A: 'b\nc', LANG: 'ü' };
    const { out } = await outputs(await starter.start(spec(['/usr/bin/env', '-0'], { env })));
    expect(out.split('\0').sort()).toEqual(['', 'A=b\nc', 'B=', 'LANG=ü']);
  });

  test('it leads a session of its own, and is known by its pid and start time', async () => {
    const started = await shell('ps -o pid=,pgid=,sid= -p $$; read -r x', { env: { PATH: '/usr/bin:/bin' } });
    const [line] = (await once(started.pipes[1]!, 'data')) as [Buffer];
    const { pid } = started.id;
    expect(String(line).trim().split(/\s+/).map(Number)).toEqual([pid, pid, pid]);
    expect(isAlive(started.id)).toBe(true);
    started.pipes[0]?.end('\n');
    await started.exit;
    expect(isAlive(started.id)).toBe(false);
  });

  test('its descriptors are those that were asked for, both ways, and block as a program expects', async () => {
    const script = 'readlink /proc/$$/fd/*; read -r a <&3; read -r b <&5; echo "$b$a" >&5';
    const started = await shell(script, { env: { PATH: '/usr/bin:/bin' }, pipes: 6 });
    const [, stdout, , three, , five] = started.pipes;
    const [names] = (await once(stdout!, 'data')) as [Buffer];
    // What our own parent left open is /dev/null for it.
    expect(String(names).replaceAll(/^\/dev\/null\n/gm, '')).toMatch(/^(socket:\[\d+\]\n){6}$/);
    three?.write('one\n');
    five?.write('two\n');
    expect(String((await once(five!, 'data'))[0])).toBe('twoone\n');
    expect(await started.exit).toEqual({ code: 0, signal: null });
  });

  test('what it is told comes through whole, and its end with it', async () => {
    const started = await shell('cksum; cat <&0 | wc -c', { env: { PATH: '/usr/bin:/bin' } });
    started.pipes[0]?.end(Buffer.alloc(20_000_000, 'writ'));
    const { out } = await outputs(started);
    expect(out).toMatch(/^\d+ 20000000\n0\n$/);
  });

  test('telling a dead one more is no error', async () => {
    const started = await shell('exit 0');
    started.pipes[1]?.resume();
    started.pipes[2]?.resume();
    started.pipes[0]?.write(Buffer.alloc(1_000_000));
    expect(await started.closed).toEqual({ code: 0, signal: null });
    started.pipes[0]?.write('more');
  });

  test('the last of its output comes before the word that it is closed, however much there is', async () => {
    const { bytes } = await flow(await starter.start(spec(['/usr/bin/head', '-c', String(bulkBytes), '/dev/zero'])));
    expect(bytes).toBe(bulkBytes);
  }, 600_000);

  test('it stands still while nobody reads what it says', async () => {
    const started = await shell('head -c 50000000 /dev/zero; echo through >&2', { env: { PATH: '/usr/bin:/bin' } });
    const [, stdout, stderr] = started.pipes;
    let isThrough = false;
    stderr?.on('data', () => (isThrough = true));
    await once(stdout!, 'readable');
    await sleep(300);
    expect(isThrough).toBe(false);
    stdout?.resume();
    await started.closed;
    expect(isThrough).toBe(true);
  });

  test('a signal is told as the end', async () => {
    const started = await shell('kill -TERM $$');
    expect(await started.exit).toEqual({ code: null, signal: 'SIGTERM' });
    const other = await shell('sleep 300 & wait', { env: { PATH: '/usr/bin:/bin' } });
    signalProcess(other.id, 'SIGKILL', 'group');
    for (const pipe of other.pipes) pipe.resume();
    // Its own child held the pipes: with the group they are closed.
    expect(await other.closed).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('what cannot be started fails as `child_process.spawn` fails', async () => {
    writeFileSync(join(folder, 'plain'), 'no program', { mode: 0o644 });
    const wishes = [
      spec(['/nowhere/at/all']),
      spec(['nowhere'], { env: { PATH: '/usr/bin' } }),
      spec(['/bin/true'], { cwd: join(folder, 'gone') }),
      spec([join(folder, 'plain')]),
      spec(['/bin/true', 'nul\0']),
      spec(['/bin/true', 'x'.repeat(200_000)]),
    ];
    for (const wish of wishes) {
      const expected = await failureOfSpawn(wish);
      expect(expected).not.toBeNull();
      expect(await starter.start(wish).then(() => null, about)).toEqual(expected);
    }
    expect((await outputs(await shell('echo on'))).out).toBe('on\n');
  });

  test('many at once are not mixed up', async () => {
    const said = await Promise.all(
      Array.from({ length: 40 }, async (_, index) =>
        outputs(await shell(`echo ${index}; read -r x; echo >&2 ${index}; exit ${index}`).then(told)),
      ),
    );
    expect(said).toEqual(
      said.map((_, index) => ({ out: `${index}\n`, err: `${index}\n`, end: { code: index, signal: null } })),
    );
  });

  test('ten programs that say nothing of their end have all ended', async () => {
    const ends = await Promise.all(
      Array.from({ length: 10 }, async () => (await starter.start(spec(['/bin/true']))).exit),
    );
    expect(ends).toEqual(ends.map(() => ({ code: 0, signal: null })));
  });

  if (soak)
    test('output flows at no less than 0.8 of what a process of our own gets', async () => {
      const argv = ['/usr/bin/head', '-c', String(2 ** 30), '/dev/zero'] as const;
      const direct = new DirectStarter();
      const ratios: number[] = [];
      for (let round = 0; round < 7; round += 1) {
        const ours = (await flow(await starter.start(spec([...argv])))).perMs;
        ratios.push(ours / (await flow(await direct.start(spec([...argv])))).perMs);
      }
      expect(ratios.sort((a, b) => a - b)[3]).toBeGreaterThan(0.8);
    }, 600_000);
}

function told(started: StartedProcess): StartedProcess {
  started.pipes[0]?.end('\n');
  return started;
}
