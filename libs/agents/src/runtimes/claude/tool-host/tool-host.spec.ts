// The tool host as a program of its own: one JSON object a line, the tools it was given and no others.
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

const program = new URL('./tool-host.ts', import.meta.url).pathname;

interface Answer {
  readonly id: number;
  readonly ok: boolean;
  readonly content?: string;
  readonly tools?: { name: string }[];
}

describe('the tool host', () => {
  let folder: string;
  let host: ChildProcessWithoutNullStreams;
  let waiting: ((answer: Answer) => void)[];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'writ-host-'));
    await writeFile(join(folder, 'a.txt'), 'one\ntwo\n');
  });
  afterEach(async () => {
    host.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });

  function start(tools: string): void {
    host = spawn(process.execPath, [program, '--workdir', folder, '--tools', tools]);
    waiting = [];
    createInterface({ input: host.stdout }).on('line', (line) => waiting.shift()?.(JSON.parse(line) as Answer));
  }

  function ask(request: object): Promise<Answer> {
    host.stdin.write(`${JSON.stringify(request)}\n`);
    return new Promise((resolve) => waiting.push(resolve));
  }

  test('lists and runs the tools it was given', async () => {
    start('read,bash');
    const { tools } = await ask({ id: 1, op: 'list' });
    expect(tools?.map(({ name }) => name).sort()).toEqual(['bash', 'read']);
    const read = { id: 2, op: 'call', name: 'read', input: { file_path: 'a.txt' } };
    expect(await ask(read)).toEqual({ id: 2, ok: true, content: 'one\ntwo\n' });
    const failing = { id: 3, op: 'call', name: 'bash', input: { command: 'echo no; false' } };
    expect(await ask(failing)).toEqual({ id: 3, ok: false, content: 'no' });
  });

  test('refuses every other tool, also those that the toolset has', async () => {
    start('read');
    const write = { id: 1, op: 'call', name: 'write', input: { file_path: 'a.txt', content: 'gone' } };
    expect(await ask(write)).toEqual({ id: 1, ok: false, content: 'The tool "write" is not allowed here.' });
    expect(await ask({ ...write, id: 2, name: 'constructor' })).toMatchObject({ id: 2, ok: false });
    expect(await readFile(join(folder, 'a.txt'), 'utf8')).toBe('one\ntwo\n');
  });

  test('a cancelled call ends at once, with what it had started in the foreground', async () => {
    start('bash');
    const call = ask({ id: 1, op: 'call', name: 'bash', input: { command: 'sleep 600' } });
    host.stdin.write(`${JSON.stringify({ id: 1, op: 'cancel' })}\n`);
    expect(await call).toEqual({ id: 1, ok: false, content: 'bash: cancelled' });
  });

  test('ends when nobody speaks to it any more', async () => {
    start('bash');
    await ask({ id: 1, op: 'call', name: 'bash', input: { command: 'true' } });
    host.stdin.end();
    expect(await once(host, 'exit')).toEqual([0, null]);
  });
});
